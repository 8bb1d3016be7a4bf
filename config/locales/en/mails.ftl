# What a customer is written.
# $product is the integration, $provider whose key it is, $customer the company as people know it, $site the
# provider with its address, $place the place in the provider's menu. Labels and the line about help are
# those of pages.ftl.

## Subjects: the product, and the title below.

mail-subject = { $product }: { $title }
mail-subject-reminder = { $product }, reminder: { $title }
mail-subject-last = { $product }, last reminder: { $title }

## Titles: a subject has about 70 characters, so they are short.

mail-title-rejected = { $provider } no longer accepts the key of { $customer }
mail-title-expired = The { $provider } key of { $customer } has expired
mail-title-disconnected = Switched off in { $provider } for { $customer }
mail-title-permission = The { $provider } key of { $customer } lacks a permission
mail-title-permission-company = The { $provider } key no longer reaches { $customer }
mail-title-wrong-company = The { $provider } key of { $customer } opens another company
mail-title-leaked = Please delete the { $provider } key of { $customer }
mail-title-expiring = The { $provider } key of { $customer } expires in { $days ->
        [one] { $days } day
       *[other] { $days } days
    }
mail-title-link = The new link for { $customer }
mail-title-resolved = { $customer } is connected with { $provider } again

## What happened, and since when. $since is a day with its time, $on a day.

mail-reminder = This is a reminder: what we wrote to you about is still open.
mail-reminder-last = This is the last reminder: what we wrote to you about is still open. We will not write about it again.
mail-what-rejected = { $provider } no longer accepts the key that connects { $customer } with { $product }. It was probably deleted or replaced there.
mail-what-expired = The key that connects { $customer } with { $product } no longer works in { $provider }, because it has expired.
mail-what-disconnected = { $product } is switched off in { $provider } for { $customer }.
mail-what-permission = The key that connects { $customer } with { $product } works, but may not do all that { $product } needs.
mail-what-permission-company = The key for { $product } works in { $provider }, but no longer reaches { $customer }.
mail-what-wrong-company = The key that was entered for { $customer } opens another company in { $provider }, so { $product } has stopped using it.
mail-what-leaked = The key that connected { $customer } with { $product } may be known to others, so { $product } has stopped using it.
mail-what-expiring = The key that connects { $customer } with { $product } expires on { $on }.
mail-what-link = On our page, a new link was asked for, to connect { $customer } with { $product }. Here it is.
mail-what-resolved = { $customer } is connected with { $product } again.
mail-since = It has been like this since { $since }.
mail-since-leaked = It has not been used since { $since }.
mail-since-resolved = The connection had been interrupted since { $since }.

## What it means.

mail-means-waiting = Nothing you have entered is lost; it waits until the connection works again.
mail-means-permission = A part of the data from { $provider } is missing for as long as that is so. You do not need a new key.
mail-means-leaked = Only deleting the key in { $provider } ends its power.
mail-means-expiring = Until then everything works as before.
mail-means-link = The key before is used until the new one works.
mail-means-resolved = What was waiting is fetched by itself. There is nothing for you to do.

## What to do: where there is a button below, which leads to our page.

mail-do-key = Make a new key in { $provider } and enter it on our page. The page shows each step; it takes about a minute.
mail-do-wrong-company = Make a key in { $provider } while { $customer } is chosen there, and enter it on our page. The page shows each step; it takes about a minute.
mail-do-permission = Open the key in { $provider } and allow what is listed below. Then test the connection on our page.
mail-do-permission-company = Open the key in { $provider } and allow it to use { $customer }. Then test the connection on our page.
mail-do-disconnected = Switch { $product } on for { $customer } in { $provider }. Then test the connection on our page.
mail-do-leaked = Delete the key named below in { $provider }. Then make a new one and enter it on our page, which shows each step.
mail-do-expiring = Make a new key in { $provider } before that day and enter it on our page. The page shows each step; it takes about a minute.

mail-button-key = Connect again
mail-button-test = Test the connection
mail-button-expiring = Replace the key
mail-button-link = Open the page
mail-host = The button leads to { $host }.
mail-until = The link works until { $until }, or until a key has been entered with it.

## What to do where there is no link.

mail-bare-key = Sign in to { $site }, choose { $customer }, open { $place }, and make a new key. Then sign in to { $product } and enter it in the settings.
mail-bare-leaked = Sign in to { $site }, choose { $customer }, open { $place }, and delete the key named below. Make a new one there, sign in to { $product }, and enter it in the settings.

## The way without the link.

mail-way = Without the link
mail-way-key = Sign in to { $site } as you always do, choose { $customer }, and open { $place }: there you see its keys and can make a new one. Our support tells you where to enter it. Please never send a key by mail.
mail-way-permission = Sign in to { $site } as you always do, choose { $customer }, open { $place }, and allow the key what is listed here. We notice that by ourselves within a few hours.
mail-way-permission-company = Sign in to { $site } as you always do, open { $place }, and allow the key to use { $customer }. We notice that by ourselves within a few hours.
mail-way-disconnected = Sign in to { $site } as you always do and switch { $product } on for { $customer }. We notice that by ourselves within a few hours.
mail-way-leaked = Sign in to { $site } as you always do, choose { $customer }, open { $place }, and delete the key. Our support tells you where to enter a new one. Please never send a key by mail.
mail-place-unknown = the place where { $provider } keeps its API keys

## What happens if nothing is done.

mail-else-waiting = If nothing is done, { $product } goes on without data from { $provider } for { $customer }.
mail-else-permission = If nothing is done, that part of the data stays missing.
mail-else-leaked = If nothing is done, whoever knows the key can go on using it in { $provider }, and { $product } has no data from there.
mail-else-expiring = If nothing is done, { $product } has no data from { $provider } for { $customer } from that day on.
mail-else-link = If nobody with you asked for it, there is nothing to do.
mail-decline = If you no longer use { $product }, you can say so on the same page; then we stop writing.

mail-whom = You get this mail because { $product } has your address for { $customer }.
