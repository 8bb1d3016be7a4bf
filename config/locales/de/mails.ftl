# What a customer is written.
# $product is the integration, $provider whose key it is, $customer the company as people know it, $site the
# provider with its address, $place the place in the provider's menu. Labels and the line about help are
# those of pages.ftl.

## Subjects: the product, and the title below.

mail-subject = { $product }: { $title }
mail-subject-reminder = { $product }, Erinnerung: { $title }
mail-subject-last = { $product }, letzte Erinnerung: { $title }

## Titles: a subject has about 70 characters, so they are short.

mail-title-rejected = { $provider } nimmt den Schlüssel für { $customer } nicht mehr an
mail-title-expired = Der { $provider }-Schlüssel für { $customer } ist abgelaufen
mail-title-disconnected = In { $provider } für { $customer } ausgeschaltet
mail-title-permission = Dem { $provider }-Schlüssel für { $customer } fehlt eine Berechtigung
mail-title-permission-company = Der { $provider }-Schlüssel hat keinen Zugriff auf { $customer }
mail-title-wrong-company = Der { $provider }-Schlüssel für { $customer } öffnet eine andere Firma
mail-title-leaked = Bitte löschen Sie den { $provider }-Schlüssel für { $customer }
mail-title-expiring = Der { $provider }-Schlüssel für { $customer } läuft in { $days ->
        [one] { $days } Tag
       *[other] { $days } Tagen
    } ab
mail-title-link = Der neue Link für { $customer }
mail-title-resolved = { $customer } ist wieder mit { $provider } verbunden

## What happened, and since when. $since is a day with its time, $on a day.

mail-reminder = Dies ist eine Erinnerung: Worüber wir Ihnen geschrieben haben, ist noch offen.
mail-reminder-last = Dies ist die letzte Erinnerung: Worüber wir Ihnen geschrieben haben, ist noch offen. Wir schreiben dazu nicht noch einmal.
mail-what-rejected = { $provider } nimmt den Schlüssel nicht mehr an, der { $customer } mit { $product } verbindet. Wahrscheinlich wurde er dort gelöscht oder ersetzt.
mail-what-expired = Der Schlüssel, der { $customer } mit { $product } verbindet, funktioniert in { $provider } nicht mehr, weil er abgelaufen ist.
mail-what-disconnected = { $product } ist in { $provider } für { $customer } ausgeschaltet.
mail-what-permission = Der Schlüssel, der { $customer } mit { $product } verbindet, funktioniert, darf aber nicht alles, was { $product } braucht.
mail-what-permission-company = Der Schlüssel für { $product } funktioniert in { $provider }, gibt aber keinen Zugriff mehr auf { $customer }.
mail-what-wrong-company = Der Schlüssel, der für { $customer } eingegeben wurde, gehört in { $provider } zu einem anderen Unternehmen. { $product } verwendet ihn deshalb nicht mehr.
mail-what-leaked = Der Schlüssel, der { $customer } mit { $product } verbunden hat, ist möglicherweise anderen bekannt. { $product } verwendet ihn deshalb nicht mehr.
mail-what-expiring = Der Schlüssel, der { $customer } mit { $product } verbindet, läuft am { $on }, ab.
mail-what-link = Auf unserer Seite wurde ein neuer Link angefordert, um { $customer } mit { $product } zu verbinden. Hier ist er.
mail-what-resolved = { $customer } ist wieder mit { $product } verbunden.
mail-since = Das ist so seit { $since }.
mail-since-leaked = Das gilt seit { $since }.
mail-since-resolved = Die Verbindung war seit { $since } unterbrochen.

## What it means.

mail-means-waiting = Nichts, was Sie erfasst haben, geht verloren; es wartet, bis die Verbindung wieder funktioniert.
mail-means-permission = Solange das so ist, fehlt ein Teil der Daten aus { $provider }. Sie brauchen keinen neuen Schlüssel.
mail-means-leaked = Erst wenn der Schlüssel in { $provider } gelöscht ist, kann ihn niemand mehr verwenden.
mail-means-expiring = Bis dahin funktioniert alles wie bisher.
mail-means-link = Der bisherige Schlüssel wird verwendet, bis der neue funktioniert.
mail-means-resolved = Was gewartet hat, wird automatisch abgerufen. Sie müssen nichts tun.

## What to do: where there is a button below, which leads to our page.

mail-do-key = Erstellen Sie in { $provider } einen neuen Schlüssel und geben Sie ihn auf unserer Seite ein. Die Seite zeigt jeden Schritt; es dauert etwa eine Minute.
mail-do-wrong-company = Erstellen Sie in { $provider } einen Schlüssel, während dort { $customer } ausgewählt ist, und geben Sie ihn auf unserer Seite ein. Die Seite zeigt jeden Schritt; es dauert etwa eine Minute.
mail-do-permission = Öffnen Sie den Schlüssel in { $provider } und erlauben Sie, was unten aufgeführt ist. Testen Sie dann die Verbindung auf unserer Seite.
mail-do-permission-company = Öffnen Sie den Schlüssel in { $provider } und erlauben Sie ihm den Zugriff auf { $customer }. Testen Sie dann die Verbindung auf unserer Seite.
mail-do-disconnected = Schalten Sie { $product } in { $provider } für { $customer } ein. Testen Sie dann die Verbindung auf unserer Seite.
mail-do-leaked = Löschen Sie den unten genannten Schlüssel in { $provider }. Erstellen Sie dann einen neuen und geben Sie ihn auf unserer Seite ein, die jeden Schritt zeigt.
mail-do-expiring = Erstellen Sie vor diesem Tag in { $provider } einen neuen Schlüssel und geben Sie ihn auf unserer Seite ein. Die Seite zeigt jeden Schritt; es dauert etwa eine Minute.

mail-button-key = Wieder verbinden
mail-button-test = Verbindung testen
mail-button-expiring = Schlüssel austauschen
mail-button-link = Seite öffnen
mail-host = Die Schaltfläche führt zu { $host }.
mail-until = Der Link funktioniert bis { $until }, oder bis über ihn ein Schlüssel eingegeben wurde.

## What to do where there is no link.

mail-bare-key = Melden Sie sich bei { $site } an, wählen Sie { $customer }, öffnen Sie { $place } und erstellen Sie einen neuen Schlüssel. Melden Sie sich dann bei { $product } an und geben Sie ihn in den Einstellungen ein.
mail-bare-leaked = Melden Sie sich bei { $site } an, wählen Sie { $customer }, öffnen Sie { $place } und löschen Sie den unten genannten Schlüssel. Erstellen Sie dort einen neuen, melden Sie sich bei { $product } an und geben Sie ihn in den Einstellungen ein.

## The way without the link.

mail-way = Ohne den Link
mail-way-key = Melden Sie sich wie gewohnt bei { $site } an, wählen Sie { $customer } und öffnen Sie { $place }: Dort sehen Sie die Schlüssel und können einen neuen erstellen. Unser Support sagt Ihnen, wo er eingegeben wird. Bitte senden Sie nie einen Schlüssel per E-Mail.
mail-way-permission = Melden Sie sich wie gewohnt bei { $site } an, wählen Sie { $customer }, öffnen Sie { $place } und erlauben Sie dem Schlüssel, was hier aufgeführt ist. Wir bemerken das von selbst innerhalb weniger Stunden.
mail-way-permission-company = Melden Sie sich wie gewohnt bei { $site } an, öffnen Sie { $place } und erlauben Sie dem Schlüssel den Zugriff auf { $customer }. Wir bemerken das von selbst innerhalb weniger Stunden.
mail-way-disconnected = Melden Sie sich wie gewohnt bei { $site } an und schalten Sie { $product } für { $customer } ein. Wir bemerken das von selbst innerhalb weniger Stunden.
mail-way-leaked = Melden Sie sich wie gewohnt bei { $site } an, wählen Sie { $customer }, öffnen Sie { $place } und löschen Sie den Schlüssel. Unser Support sagt Ihnen, wo ein neuer eingegeben wird. Bitte senden Sie nie einen Schlüssel per E-Mail.
mail-place-unknown = die Stelle, an der { $provider } die API-Schlüssel verwaltet

## What happens if nothing is done.

mail-else-waiting = Wenn nichts geschieht, erhält { $product } weiterhin keine Daten aus { $provider } für { $customer }.
mail-else-permission = Wenn nichts geschieht, fehlt dieser Teil der Daten weiterhin.
mail-else-leaked = Wenn nichts geschieht, kann jeder, der den Schlüssel kennt, ihn in { $provider } weiterhin verwenden, und { $product } erhält von dort keine Daten.
mail-else-expiring = Wenn nichts geschieht, erhält { $product } ab diesem Tag keine Daten aus { $provider } für { $customer }.
mail-else-link = Wenn bei Ihnen niemand darum gebeten hat, ist nichts zu tun.
mail-decline = Wenn Sie { $product } nicht mehr verwenden, können Sie das auf derselben Seite sagen; dann schreiben wir nicht mehr.

mail-whom = Sie erhalten diese E-Mail, weil { $product } Ihre Adresse für { $customer } hat.
