# Why a key is not taken, and what became of one that is. Each text says what is wrong and what has
# not changed; the text whose name ends in -next says the one thing to do.
#
# $provider   the provider's name
# $named      yes where the place of the keys in the provider's menu is known, else no
# $place      that place, in the provider's own words
# $prefixed   yes where keys usually begin with something, else no
# $prefixes   what they begin with
# $customer   the customer, as people know it
# $company    the id of the customer's company
# $found      the id of the company that the key belongs to
# $missing    permissions, in the provider's own words

-unchanged = Nothing has changed.
-untested = That says nothing about the key.

refusal-open = { $named ->
    [no] Open the API keys in { $provider }
   *[yes] In { $provider }, open { $place }
}
refusal-look = { $prefixed ->
    [no] a key is one long word
   *[yes] a key is one long word, which often begins with { $prefixes }
}
refusal-copy-again = { refusal-open }, copy the key again, and paste it here alone.
refusal-try-later = Keep the key and try again in a few minutes.

refusal-key-empty = No key was given. { -unchanged }
refusal-key-empty-next = { refusal-open }, copy the key, and paste it here.

refusal-key-too-long = This is longer than any key. Something else may have been copied with it. { -unchanged }
refusal-key-too-long-next = { refusal-copy-again }

refusal-key-white-space = A key is one word, and this has a space or a line break inside. Something else may have been copied with it. { -unchanged }
refusal-key-white-space-next = { refusal-copy-again }

refusal-key-control = This contains a character that no key has. { -unchanged }
refusal-key-control-next = { refusal-copy-again }

refusal-key-not-ascii = This contains letters that no key has. Something else may have been copied with it. { -unchanged }
refusal-key-not-ascii-next = { refusal-copy-again }

refusal-key-colon = This contains a colon, which no key has. Its name or an address may have been copied with it. { -unchanged }
refusal-key-colon-next = { refusal-copy-again }

refusal-key-scheme = There is a word before the key that does not belong to it. { -unchanged }
refusal-key-scheme-next = { refusal-copy-again }

refusal-key-token = This is a sign-in token and not an API key. { -unchanged }
refusal-key-token-next = { refusal-copy-again }

refusal-key-address = This is the address of a page and not a key. { -unchanged }
refusal-key-address-next = { refusal-copy-again }

refusal-key-rejected = { $provider } did not accept this key. It may have been copied in part: { refusal-look }. { -unchanged }
refusal-key-rejected-next = { refusal-open }, copy the whole key again; if it is no longer shown, make a new one.

refusal-same-dead-key = This is the key that was entered before, and { $provider } does not accept it. { -unchanged }
refusal-same-dead-key-next = { refusal-open }, make a new key and paste that one here.

refusal-other-company = This key belongs to another company, { $found }. The connection is for { $customer } ({ $company }). { -unchanged }
refusal-other-company-next = { refusal-open } while { $customer } is selected, and copy the key there.

refusal-company-not-said = This key belongs to an organisation in { $provider }, which may have several companies. It is not known which one is meant. { -unchanged }
refusal-company-not-said-next = Say for which company the connection is, then enter the key again.

refusal-company-out-of-reach = This key works, but does not reach { $customer } ({ $company }). { -unchanged }
refusal-company-out-of-reach-next = { refusal-open } and allow the key to use { $customer }, or make one for { $customer }.

refusal-missing-scopes = This key works, but lacks permissions that are needed: { $missing }. { -unchanged }
refusal-missing-scopes-next = { refusal-open }, allow { $missing } for this key, and enter it again. Where that cannot be changed, make a key that has them.

refusal-other-client = This key works, but was made for another integration. { -unchanged }
refusal-other-client-next = { refusal-open } and copy the key that was made for this integration.

refusal-not-an-api-key = { $provider } does not take this for an API key, but for a sign-in. { -unchanged }
refusal-not-an-api-key-next = { refusal-open }, make an API key and paste that one here.

refusal-installation-disconnected = This key works, but in { $provider } the integration is switched off. { -unchanged }
refusal-installation-disconnected-next = Switch the integration on in { $provider }, then enter the key again.

refusal-key-of-another-tenant = This key is in use for another connection already; each needs its own. { -unchanged }
refusal-key-of-another-tenant-next = { refusal-open }, make a key for { $customer } and paste that one here.

refusal-key-kept-elsewhere = Keys for this connection are entered in the integration itself, not here. { -unchanged }
refusal-key-kept-elsewhere-next = Sign in to the integration and enter the key there.

refusal-withdrawn-key = This key was withdrawn because others may know it, and is never taken again. { -unchanged }
refusal-withdrawn-key-next = { refusal-open }, delete this key, make a new one and paste that one here.

refusal-provider-unreachable = The key could not be tested, because { $provider } gave no clear answer just now. { -untested } { -unchanged }
refusal-provider-unreachable-next = { refusal-try-later }

refusal-not-testable = The key could not be tested, because of a mistake on our side. { -untested } { -unchanged }
refusal-not-testable-next = Keep the key and write to our support; they can see what is wrong.

refusal-too-busy = The key could not be tested, because there is too much else to do at this moment. { -untested } { -unchanged }
refusal-too-busy-next = { refusal-try-later }

refusal-replaced-meanwhile = Somebody else has just entered a key for this connection, and theirs is in use. Yours was not taken, and has changed nothing.
refusal-replaced-meanwhile-next = Ask your colleagues who it was; enter yours again only if it should be used instead.

refusal-disabled-meanwhile = This connection was switched off while the key was being tested. The key was not taken, and has changed nothing.
refusal-disabled-meanwhile-next = Write to our support before you enter a key again.

refusal-source-unreachable = The key could not be taken, because the place where keys are kept could not be used just now. { -untested } { -unchanged }
refusal-source-unreachable-next = { refusal-try-later }

refusal-source-read-only = The key of this connection is kept in a place where it cannot be changed from here. { -unchanged }
refusal-source-read-only-next = Keep the key and write to our support; they can change it there.

taken-replaced = { $provider } accepts this key for { $customer } ({ $company }). It is in use from now on; the key before was destroyed here.
taken-replaced-next = { refusal-open }, delete the key that was used before, if it is still there.

taken-same = This is the key that was entered before, and { $provider } accepts it for { $customer } ({ $company }).
taken-same-next = There is nothing more to do.

taken-unsteady = This is the key that was entered before. { $provider } accepts it at this moment, but did not a while ago.
taken-unsteady-next = Wait a few minutes; it is tested again by itself.

taken-paused-next = The connection is paused; it is watched again once that ends.
