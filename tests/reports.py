"""Reports about mails of ours, as servers write them. The addresses are invented."""

import email
import email.policy
from email.message import EmailMessage

OURS = "<thread.org.request.0@croisee.test>"


def parsed(text: str) -> EmailMessage:
    content = text.lstrip("\n").replace("\n", "\r\n").encode()
    return email.message_from_bytes(content, policy=email.policy.default)  # type: ignore[return-value]


def postfix(
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 <contact@picoree.test>: Recipient address rejected: User unknown",
    action: str = "failed",
    ours: str = OURS,
) -> EmailMessage:
    return parsed(f"""
Return-Path: <>
Date: Mon, 11 Jan 2027 09:00:05 +0100 (CET)
From: MAILER-DAEMON@relais.croisee.test (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: bonjour@croisee.test
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4YxQ2k1kz0z1.1768118405/relais.croisee.test"
Message-Id: <4YxQ2k1n3Mz9@relais.croisee.test>

This is a MIME-encapsulated message.

--4YxQ2k1kz0z1.1768118405/relais.croisee.test
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host relais.croisee.test.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

                   The mail system

<contact@picoree.test>: host mx.picoree.test[192.0.2.25] said: 550 5.1.1
    <contact@picoree.test>: Recipient address rejected: User unknown (in reply
    to RCPT TO command)

--4YxQ2k1kz0z1.1768118405/relais.croisee.test
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; relais.croisee.test
X-Postfix-Queue-ID: 4YxQ2k1kz0z1
X-Postfix-Sender: rfc822; bonjour@croisee.test
Arrival-Date: Mon, 11 Jan 2027 09:00:04 +0100 (CET)

Final-Recipient: rfc822; contact@picoree.test
Original-Recipient: rfc822;contact@picoree.test
Action: {action}
Status: {status}
Remote-MTA: dns; mx.picoree.test
Diagnostic-Code: {diagnostic}

--4YxQ2k1kz0z1.1768118405/relais.croisee.test
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

Return-Path: <bonjour@croisee.test>
Message-ID: {ours}
Date: Mon, 11 Jan 2027 09:00:00 +0100
From: La =?utf-8?q?Crois=C3=A9e?= <bonjour@croisee.test>
To: contact@picoree.test
Subject: Trois structures souhaitent vous rencontrer

--4YxQ2k1kz0z1.1768118405/relais.croisee.test--
""")


def exchange() -> EmailMessage:
    return parsed(f"""
From: <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@picoree.test>
To: <bonjour@croisee.test>
Date: Mon, 11 Jan 2027 08:00:09 +0000
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="1b7e7b1c-b6f5-4f5c-8a66-5ed1d4a3f2f1"
X-MS-Exchange-Message-Is-Ndr:
Content-Language: fr-FR
Message-ID: <c1b2@MR1P264MB0001.picoree.test>
In-Reply-To: {OURS}
References: {OURS}
Thread-Topic: Trois structures souhaitent vous rencontrer
Subject: =?utf-8?B?Tm9uIHJlbWlzwqA6IFRyb2lzIHN0cnVjdHVyZXM=?=
Auto-Submitted: auto-replied
MIME-Version: 1.0

--1b7e7b1c-b6f5-4f5c-8a66-5ed1d4a3f2f1
Content-Type: multipart/alternative; differences=Content-Type;
\tboundary="b1"

--b1
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: base64

Vm90cmUgbWVzc2FnZSBuJ2EgcGFzIHB1IMOqdHJlIHJlbWlzLg0K

--b1
Content-Type: text/html; charset="utf-8"

<p>Votre message n'a pas pu &ecirc;tre remis &agrave; contact@picoree.test.</p>

--b1--

--1b7e7b1c-b6f5-4f5c-8a66-5ed1d4a3f2f1
Content-Type: message/delivery-status

Reporting-MTA: dns;MR1P264MB0001.picoree.test
Received-From-MTA: dns;relais.croisee.test
Arrival-Date: Mon, 11 Jan 2027 08:00:08 +0000

Final-Recipient: rfc822;contact@picoree.test
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient contact@picoree.test not found by SMTP address lookup
X-Display-Name: contact@picoree.test

--1b7e7b1c-b6f5-4f5c-8a66-5ed1d4a3f2f1
Content-Type: message/rfc822

Received: from relais.croisee.test (192.0.2.10) by mx.picoree.test
Message-ID:
 {OURS}
From: bonjour@croisee.test
To: contact@picoree.test
Subject: Trois structures souhaitent vous rencontrer
Content-Type: text/plain

Bonjour,

--1b7e7b1c-b6f5-4f5c-8a66-5ed1d4a3f2f1--
""")


def gmail_full() -> EmailMessage:
    return parsed(f"""
Delivered-To: bonjour@croisee.test
Return-Path: <>
From: Mail Delivery Subsystem <mailer-daemon@googlemail.test>
To: bonjour@croisee.test
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
References: {OURS}
In-Reply-To: {OURS}
X-Failed-Recipients: contact@picoree.test
Message-ID: <6963.170a.1@mx.googlemail.test>
Date: Mon, 11 Jan 2027 00:00:12 -0800 (PST)
MIME-Version: 1.0
Content-Type: multipart/report; boundary="0000000000004b0f9d0627"; report-type=delivery-status

--0000000000004b0f9d0627
Content-Type: multipart/related; boundary="0000000000004b24a60627"

--0000000000004b24a60627
Content-Type: text/plain; charset="UTF-8"

** La boîte de réception du destinataire est saturée **

--0000000000004b24a60627
Content-Type: image/png; name="icon.png"
Content-Transfer-Encoding: base64
Content-ID: <icon.png>

iVBORw0KGgo=
--0000000000004b24a60627--

--0000000000004b0f9d0627
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.test
Received-From-MTA: dns; bonjour@croisee.test
Arrival-Date: Sun, 10 Jan 2027 23:59:59 -0800 (PST)
X-Original-Message-ID: {OURS}

Final-Recipient: rfc822; contact@picoree.test
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp; 552-5.2.2 The email account that you tried to reach is over quota. Please direct
 552-5.2.2 the recipient to
 552 5.2.2  https://aide.picoree.test/quota
Last-Attempt-Date: Mon, 11 Jan 2027 00:00:11 -0800 (PST)

--0000000000004b0f9d0627
Content-Type: message/rfc822

Message-ID: {OURS}
From: bonjour@croisee.test
To: contact@picoree.test
Subject: Trois structures souhaitent vous rencontrer

--0000000000004b0f9d0627--
""")


def qmail() -> EmailMessage:
    """No report in the sense of any RFC: words, and the mail below them."""
    return parsed(f"""
Return-Path: <>
From: MAILER-DAEMON@mx.picoree.test
To: bonjour@croisee.test
Subject: failure notice
Date: 11 Jan 2027 08:00:20 -0000

Hi. This is the qmail-send program at mx.picoree.test.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<contact@picoree.test>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <bonjour@croisee.test>
Received: (qmail 2102 invoked from network); 11 Jan 2027 08:00:19 -0000
Message-ID: {OURS}
From: bonjour@croisee.test
To: contact@picoree.test
Subject: 452 invitations

Bonjour, voici 4.2.2 nouvelles.
""")


def attached() -> EmailMessage:
    """A server that attaches the mail to plain words, without any report."""
    return parsed(f"""
From: "Postmaster" <postmaster@mx.picoree.test>
To: bonjour@croisee.test
Subject: Mail could not be delivered
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="xx"

--xx
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: 8bit

The following recipient(s) could not be reached:

      contact@picoree.test on 11/01/2027 09:00
            554 delivery error: This user doesn't have an account here

--xx
Content-Type: message/rfc822

Message-ID: {OURS}
From: bonjour@croisee.test
To: contact@picoree.test
Subject: Trois structures souhaitent vous rencontrer

Bonjour,
--xx--
""")


def complaint(kind: str = "abuse") -> EmailMessage:
    return parsed(f"""
From: <abuse-desk@fournisseur.test>
To: <plaintes@croisee.test>
Subject: FW: Vos nouvelles de la semaine
Date: Mon, 11 Jan 2027 10:00:00 +0100
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part1_13d.2e68ed54"

--part1_13d.2e68ed54
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report for an email message received from IP 192.0.2.10.

--part1_13d.2e68ed54
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1

--part1_13d.2e68ed54
Content-Type: message/rfc822
Content-Disposition: inline

From: <bonjour@croisee.test>
To: <contact@picoree.test>
Message-ID: {OURS}
Subject: Vos nouvelles de la semaine

Bonjour,

--part1_13d.2e68ed54--
""")


def absence() -> EmailMessage:
    """Somebody is away: their program answers, with our mail's name in its headers and numbers in its text."""
    return parsed(f"""
Return-Path: <>
From: Claude Martin <contact@picoree.test>
To: bonjour@croisee.test
Subject: =?utf-8?q?Absence_du_bureau?=
Auto-Submitted: auto-replied
In-Reply-To: {OURS}
References: {OURS}
X-Auto-Response-Suppress: All
Content-Type: text/plain; charset=utf-8

Je suis absent jusqu'au 18 janvier. En cas d'urgence : 550 12 34.
""")


def answer() -> EmailMessage:
    return parsed(f"""
From: Claude Martin <contact@picoree.test>
To: bonjour@croisee.test
Subject: Re: Trois structures souhaitent vous rencontrer
In-Reply-To: {OURS}
Content-Type: text/plain; charset=utf-8

Avec plaisir. Notre ancien contact vous revenait en 550 5.1.1, prenez celui-ci.
""")


def read_receipt() -> EmailMessage:
    return parsed(f"""
From: contact@picoree.test
To: bonjour@croisee.test
Subject: Lu : Trois structures
Content-Type: multipart/report; report-type=disposition-notification; boundary="m"

--m
Content-Type: text/plain

Votre message a été lu.

--m
Content-Type: message/disposition-notification

Final-Recipient: rfc822;contact@picoree.test
Original-Message-ID: {OURS}
Disposition: automatic-action/MDN-sent-automatically; displayed

--m--
""")
