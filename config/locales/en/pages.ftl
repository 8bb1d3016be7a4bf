# What a customer reads on the pages on which a key is given.
# $product is the integration, $provider whose key it is, $customer the company as people know it,
# $place the place in the provider's menu.

page-lang-dir = ltr

## Headings: the first thing that is read, and the title of the tab.

page-title-new = Connect { $product } with { $provider }
page-title-reconnect = Connect { $product } with { $provider } again
page-title-permission = { $product } needs a permission in { $provider }
page-title-wish = Replace the key of { $product }
page-title-connected = Connected
page-title-confirm = Is this the right company?
page-title-declined = { $product } is no longer connected
page-title-ended-used = This link has been used
page-title-ended-expired = This link is too old
page-title-ended-revoked = This link is no longer needed
page-title-ended-works = Everything works
page-title-missing = Please open the link once more
page-title-refused = This page could not be used
page-title-busy = Please wait a moment
page-title-ours = Something went wrong on our side
page-title-elsewhere = The key is entered in { $product }
page-problem = Not connected yet: { $title }

## Why, in one or two sentences. $since is a day.

page-why-new = { $product } fetches data for { $customer } from { $provider }. For that it needs a key that you make in { $provider }.
page-why-wish = The connection of { $customer } has a key. You can put a new one in its place here; the one before is used until the new one works.
page-why-rejected = Since { $since }, { $provider } no longer accepts the key that connects { $customer } with { $product }. It was probably deleted or replaced. Nothing you have entered is lost; it waits until the connection works again.
page-why-expired = Since { $since }, the key that connects { $customer } with { $product } no longer works, because it has expired. Nothing you have entered is lost; it waits until the connection works again.
page-why-never-accepted = { $provider } has not accepted the key that was entered for { $customer } so far, so { $product } is not connected yet.
page-why-disconnected = Since { $since }, { $product } is switched off in { $provider } for { $customer }. Nothing you have entered is lost; it waits until the connection works again.
page-why-permission = The key of { $customer } works, but since { $since } it may not do all that { $product } needs. You do not need a new key.
page-why-permission-company = Since { $since }, the key works, but no longer reaches { $customer }.
page-why-wrong-company = Since { $since }, the key that was entered for { $customer } opens another company. { $product } has stopped using it.
page-why-leaked = The key that connected { $customer } with { $product } may be known to others. { $product } stopped using it on { $since }. Please delete it in { $provider } and make a new one.
page-why-declined = On { $since } it was said that { $customer } no longer uses { $product }. With a new key it is connected again.

page-company = Company
page-company-id = Number of the company in { $provider }
page-key-now = Key
page-key-none = none
page-key-ending = ends in { $tail }

## What to do.

page-steps = What to do
page-step-open = Sign in to { $provider } and choose { $customer }.
page-step-place = Open { $place }.
page-step-place-unknown = Open the place where { $provider } keeps its API keys.
page-step-delete = Delete the key that { $ending }.
page-step-make-integrated = Make a key for { $product }.
page-step-make-standalone = Make a new key for { $product }, choose a date on which it expires, and allow what is listed below.
page-step-copy = Copy the whole key. { $provider } shows it only once.
page-step-paste = Paste it below and press “{ $button }”.
page-step-grant = Open the key that { $ending } and allow what is listed below.
page-step-grant-company = Open the key that { $ending } and allow it to use { $customer }.
page-step-grant-any = Open the key of { $product } and allow what is listed below.
page-step-grant-company-any = Open the key of { $product } and allow it to use { $customer }.
page-step-switch-on = Switch { $product } on for { $customer }.
page-step-test = Come back to this page and press “{ $button }”.
page-open-keys = Open { $provider }
page-new-tab = opens in a new tab
page-scopes = What the key must be allowed to do
page-scopes-more = A key that may do more works too; one that may do only this is safer.

page-field-key = Key from { $provider } (secret)
page-field-key-help = It is sent to us once, encrypted, and never shown to anyone again. Pasted spaces and quotation marks do no harm.
page-field-expires = The day on which the key expires (if it does)
page-field-expires-help = { $provider } does not tell us. With it we can remind you in time.
page-button-try = Save and test
page-button-again = Test again
page-testing = Testing with { $provider } …
page-safe = If the new key does not work, nothing changes.
page-safe-new = Until the key works, nothing is connected.
page-give-key = Enter another key instead

## How a try came out.

page-said-lacking = The key works, but the permission is still missing. Nothing has changed.
page-said-lacking-step = In { $provider } it can take a minute. Check what is listed below, then press “{ $button }”.
page-said-once-more = The key works again. We ask { $provider } once more in a minute; then the connection is back by itself.
page-said-no-answer = We could not reach { $provider }. That says nothing about the key, and nothing has changed.
page-said-no-answer-again = Try again in a few minutes.
page-said-no-answer-pasted = Keep the key and try again in a few minutes. You have to paste it once more, because we did not keep it.
page-said-given-up = Nobody confirmed the company in time, so the key was not taken. Nothing has changed.
page-said-given-up-step = Paste the key once more.
page-said-no = The key was not taken. Nothing has changed.
page-said-no-step = Choose the right company in { $provider }, copy its key, and paste it here.
page-said-ours = That did not work, for a reason on our side. Nothing has changed.
page-said-ours-step = Keep the key and try again in a few minutes. If it happens again, please tell our support.
page-refused-day = This is not a day in the future. Nothing has changed.
page-refused-day-next = Choose the day on which the key expires, or leave the field empty, and paste the key once more.
page-wait = To protect the key, the next try is possible from { $time } on.

## A company to be confirmed.

page-confirm = The key works. It belongs to this company in { $provider }:
page-confirm-for = You are connecting { $customer } with { $product }.
page-confirm-question = Is that the same company?
page-confirm-unchanged = Nothing is connected until you say yes.
page-button-yes = Yes, connect it
page-button-no = No, it is another one

## It worked.

page-connected = { $customer } is connected with { $product }.
page-connected-next = There is nothing more to do. What was waiting is fetched by itself.
page-return = Back to { $provider }
page-close = You can close this page.

## Other ways.

page-colleague = I am not allowed to do this in { $provider }
page-colleague-help = Send this to a colleague who may. The link works for whoever has it, so send it to that person only.
page-colleague-text =
    Hello,
    { $product } needs a new key from { $provider } for { $customer }. I may not make one there; could you? This page says how, in about a minute:
    { $link }
page-colleague-text-grant =
    Hello,
    { $product } needs a permission in { $provider } for { $customer }. I am not allowed to give it; could you? This page says how, in about a minute:
    { $link }
page-colleague-copy = Text to copy
page-decline = We no longer use { $product }
page-decline-help = We stop asking { $provider } and stop reminding you. The key is not used any more. Delete it in { $provider } too, so that nobody can use it.
page-button-decline = Stop for { $customer }
page-declined = We have stopped. { $product } no longer uses the key of { $customer }, and you get no more reminders.
page-declined-delete = Delete the key in { $provider } too, so that nobody can use it: { $place }.
page-declined-back = If that was a mistake, ask our support for a new link.

## A link that leads nowhere any more.

page-ended-used = A key has already been entered with this link, and the link works only once.
page-ended-expired = For your safety a link works only for a while.
page-ended-revoked = The connection was mended in another way, or a newer link was sent.
page-ended-works = { $customer } is connected with { $product }. There is nothing to do.
page-renew = Shall we send a new link to the address that we have for { $customer }?
page-button-renew = Send a new link
page-renewed = If we have an address for { $customer }, a new link is on its way to it.
page-missing = We could not see by which link you came. Open the link in your mail once more, in this browser, and allow this page to keep a cookie for a few hours.
page-refused = The form did not come from this page. Open the link in your mail once more.
page-busy = There were very many visits from your network in a short time. Wait a minute, then load this page again.
page-ours = We could not look that up at this moment. Nothing has changed. Load this page again in a minute.
page-elsewhere = Keys for { $customer } are entered in { $product } itself. Sign in there to go on.
page-elsewhere-open = Open { $product }

## Help.

page-help-support = If you are stuck, we are glad to help:
page-reference = Reference: { $reference }
page-powered = Connection monitored by keypulse
