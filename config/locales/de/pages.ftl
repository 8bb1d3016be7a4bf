# What a customer reads on the pages on which a key is given.
# $product is the integration, $provider whose key it is, $customer the company as people know it,
# $place the place in the provider's menu.

page-lang-dir = ltr

## Headings: the first thing that is read, and the title of the tab.

page-title-new = { $product } mit { $provider } verbinden
page-title-reconnect = { $product } wieder mit { $provider } verbinden
page-title-permission = { $product } braucht eine Berechtigung in { $provider }
page-title-wish = Schlüssel für { $product } austauschen
page-title-connected = Verbunden
page-title-confirm = Ist dies das richtige Unternehmen?
page-title-declined = { $product } ist nicht mehr verbunden
page-title-ended-used = Dieser Link wurde bereits verwendet
page-title-ended-expired = Dieser Link ist zu alt
page-title-ended-revoked = Dieser Link wird nicht mehr gebraucht
page-title-ended-works = Alles funktioniert
page-title-missing = Bitte öffnen Sie den Link noch einmal
page-title-refused = Diese Seite konnte nicht verwendet werden
page-title-busy = Bitte warten Sie einen Moment
page-title-ours = Bei uns ist etwas schiefgegangen
page-title-elsewhere = Der Schlüssel wird in { $product } eingegeben
page-problem = Noch nicht verbunden: { $title }

## Why, in one or two sentences. $since is a day.

page-why-new = { $product } ruft Daten für { $customer } aus { $provider } ab. Dafür ist ein Schlüssel nötig, den Sie in { $provider } erstellen.
page-why-wish = Die Verbindung für { $customer } hat einen Schlüssel. Hier können Sie ihn durch einen neuen ersetzen; der bisherige wird verwendet, bis der neue funktioniert.
page-why-rejected = Seit { $since }, nimmt { $provider } den Schlüssel nicht mehr an, der { $customer } mit { $product } verbindet. Wahrscheinlich wurde er gelöscht oder ersetzt. Nichts, was Sie erfasst haben, geht verloren; es wartet, bis die Verbindung wieder funktioniert.
page-why-expired = Seit { $since }, funktioniert der Schlüssel nicht mehr, der { $customer } mit { $product } verbindet, weil er abgelaufen ist. Nichts, was Sie erfasst haben, geht verloren; es wartet, bis die Verbindung wieder funktioniert.
page-why-never-accepted = { $provider } hat den Schlüssel, der für { $customer } eingegeben wurde, bisher nicht angenommen. { $product } ist deshalb noch nicht verbunden.
page-why-disconnected = Seit { $since }, ist { $product } in { $provider } für { $customer } ausgeschaltet. Nichts, was Sie erfasst haben, geht verloren; es wartet, bis die Verbindung wieder funktioniert.
page-why-permission = Der Schlüssel für { $customer } funktioniert, darf aber seit { $since }, nicht alles, was { $product } braucht. Sie brauchen keinen neuen Schlüssel.
page-why-permission-company = Der Schlüssel funktioniert, gibt aber seit { $since }, keinen Zugriff mehr auf { $customer }.
page-why-wrong-company = Der Schlüssel, der für { $customer } eingegeben wurde, gehört zu einem anderen Unternehmen. { $product } verwendet ihn deshalb seit { $since }, nicht mehr.
page-why-leaked = Der Schlüssel, der { $customer } mit { $product } verbunden hat, ist möglicherweise anderen bekannt. { $product } verwendet ihn seit { $since }, nicht mehr. Bitte löschen Sie ihn in { $provider } und erstellen Sie einen neuen.
page-why-declined = Am { $since }, wurde uns mitgeteilt, dass { $product } für { $customer } nicht mehr verwendet wird. Mit einem neuen Schlüssel wird die Verbindung wiederhergestellt.

page-company = Unternehmen
page-company-id = Nummer des Unternehmens in { $provider }
page-key-now = Schlüssel
page-key-none = keiner
page-key-ending = auf { $tail } endet

## What to do.

page-steps = So gehen Sie vor
page-step-open = Melden Sie sich bei { $provider } an und wählen Sie { $customer }.
page-step-place = Öffnen Sie { $place }.
page-step-place-unknown = Öffnen Sie die Stelle, an der { $provider } die API-Schlüssel verwaltet.
page-step-delete = Löschen Sie den Schlüssel, der { $ending }.
page-step-make-integrated = Erstellen Sie einen Schlüssel für { $product }.
page-step-make-standalone = Erstellen Sie einen neuen Schlüssel für { $product }, wählen Sie ein Ablaufdatum und erlauben Sie, was unten aufgeführt ist.
page-step-copy = Kopieren Sie den ganzen Schlüssel. { $provider } zeigt ihn nur einmal.
page-step-paste = Fügen Sie ihn unten ein und drücken Sie auf „{ $button }“.
page-step-grant = Öffnen Sie den Schlüssel, der { $ending }, und erlauben Sie, was unten aufgeführt ist.
page-step-grant-company = Öffnen Sie den Schlüssel, der { $ending }, und erlauben Sie ihm den Zugriff auf { $customer }.
page-step-grant-any = Öffnen Sie den Schlüssel für { $product } und erlauben Sie, was unten aufgeführt ist.
page-step-grant-company-any = Öffnen Sie den Schlüssel für { $product } und erlauben Sie ihm den Zugriff auf { $customer }.
page-step-switch-on = Schalten Sie { $product } für { $customer } ein.
page-step-test = Kommen Sie auf diese Seite zurück und drücken Sie auf „{ $button }“.
page-open-keys = { $provider } öffnen
page-new-tab = öffnet sich in einem neuen Tab
page-scopes = Das muss der Schlüssel dürfen
page-scopes-more = Ein Schlüssel, der mehr darf, funktioniert auch; einer, der nur dies darf, ist sicherer.

page-field-key = Schlüssel aus { $provider } (geheim)
page-field-key-help = Er wird nur einmal und verschlüsselt an uns gesendet und danach nie wieder jemandem angezeigt. Leerzeichen und Anführungszeichen, die mitkopiert wurden, schaden nicht.
page-field-expires = Tag, an dem der Schlüssel abläuft (falls er abläuft)
page-field-expires-help = { $provider } teilt uns diesen Tag nicht mit. Wenn wir ihn kennen, können wir Sie rechtzeitig erinnern.
page-button-try = Speichern und testen
page-button-again = Noch einmal testen
page-testing = Wird bei { $provider } getestet …
page-safe = Wenn der neue Schlüssel nicht funktioniert, ändert sich nichts.
page-safe-new = Solange der Schlüssel nicht funktioniert, ist nichts verbunden.
page-give-key = Stattdessen einen anderen Schlüssel eingeben

## How a try came out.

page-said-lacking = Der Schlüssel funktioniert, aber die Berechtigung fehlt noch. Es hat sich nichts geändert.
page-said-lacking-step = In { $provider } kann es eine Minute dauern. Prüfen Sie, ob erlaubt ist, was unten aufgeführt ist, und drücken Sie dann auf „{ $button }“.
page-said-once-more = Der Schlüssel funktioniert wieder. Wir fragen in einer Minute noch einmal bei { $provider } nach; danach ist die Verbindung von selbst wieder da.
page-said-no-answer = Wir konnten { $provider } nicht erreichen. Das sagt nichts über den Schlüssel aus, und es hat sich nichts geändert.
page-said-no-answer-again = Versuchen Sie es in einigen Minuten noch einmal.
page-said-no-answer-pasted = Bewahren Sie den Schlüssel auf und versuchen Sie es in einigen Minuten noch einmal. Sie müssen ihn erneut einfügen, weil wir ihn nicht gespeichert haben.
page-said-given-up = Niemand hat rechtzeitig Ja gesagt, daher wurde der Schlüssel nicht übernommen. Es hat sich nichts geändert.
page-said-given-up-step = Fügen Sie den Schlüssel noch einmal ein.
page-said-no = Der Schlüssel wurde nicht übernommen. Es hat sich nichts geändert.
page-said-no-step = Wählen Sie in { $provider } das richtige Unternehmen, kopieren Sie dessen Schlüssel und fügen Sie ihn hier ein.
page-said-ours = Das hat nicht geklappt, und der Grund liegt bei uns. Es hat sich nichts geändert.
page-said-ours-step = Bewahren Sie den Schlüssel auf und versuchen Sie es in einigen Minuten noch einmal. Wenn es wieder geschieht, schreiben Sie bitte an unseren Support.
page-refused-day = Der gewählte Tag liegt nicht in der Zukunft. Es hat sich nichts geändert.
page-refused-day-next = Wählen Sie den Tag, an dem der Schlüssel abläuft, oder lassen Sie das Feld leer, und fügen Sie den Schlüssel noch einmal ein.
page-wait = Zum Schutz des Schlüssels können Sie es erst ab { $time } wieder versuchen.

## A company to be confirmed.

page-confirm = Der Schlüssel funktioniert. Er gehört zu diesem Unternehmen in { $provider }:
page-confirm-for = Sie verbinden gerade { $customer } mit { $product }.
page-confirm-question = Ist es dasselbe Unternehmen?
page-confirm-unchanged = Nichts wird verbunden, bevor Sie Ja sagen.
page-button-yes = Ja, verbinden
page-button-no = Nein, es ist ein anderes

## It worked.

page-connected = { $customer } ist mit { $product } verbunden.
page-connected-next = Es ist nichts weiter zu tun. Was gewartet hat, wird automatisch abgerufen.
page-return = Zurück zu { $provider }
page-close = Sie können diese Seite schließen.

## Other ways.

page-colleague = Ich darf das in { $provider } nicht
page-colleague-help = Senden Sie dies einer Kollegin oder einem Kollegen mit der nötigen Berechtigung. Der Link funktioniert für alle, die ihn haben; senden Sie ihn deshalb nur an diese eine Person.
page-colleague-text =
    Guten Tag,
    { $product } braucht einen neuen Schlüssel aus { $provider } für { $customer }. Ich darf dort keinen erstellen; könnten Sie das bitte tun? Auf dieser Seite steht, wie es in etwa einer Minute geht:
    { $link }
page-colleague-text-grant =
    Guten Tag,
    { $product } fehlt eine Berechtigung in { $provider } für { $customer }. Ich darf sie nicht erteilen; könnten Sie das bitte tun? Auf dieser Seite steht, wie es in etwa einer Minute geht:
    { $link }
page-colleague-copy = Text zum Kopieren
page-decline = Wir verwenden { $product } nicht mehr
page-decline-help = Wir fragen nicht mehr bei { $provider } an und senden Ihnen keine Erinnerungen mehr. Der Schlüssel wird nicht mehr verwendet. Löschen Sie ihn auch in { $provider }, damit ihn niemand mehr verwenden kann.
page-button-decline = Für { $customer } beenden
page-declined = Wir haben das beendet. { $product } verwendet den Schlüssel für { $customer } nicht mehr, und Sie erhalten keine Erinnerungen mehr.
page-declined-delete = Löschen Sie den Schlüssel in { $provider } unter { $place }, damit ihn niemand mehr verwenden kann.
page-declined-back = Wenn das ein Versehen war, bitten Sie unseren Support um einen neuen Link.

## A link that leads nowhere any more.

page-ended-used = Über diesen Link wurde bereits ein Schlüssel eingegeben, und ein Link funktioniert nur einmal.
page-ended-expired = Zu Ihrer Sicherheit funktioniert ein Link nur eine Zeit lang.
page-ended-revoked = Die Verbindung wurde auf anderem Weg wiederhergestellt, oder es wurde ein neuerer Link gesendet.
page-ended-works = { $customer } ist mit { $product } verbunden. Sie müssen nichts tun.
page-renew = Sollen wir einen neuen Link an die Adresse senden, die wir für { $customer } haben?
page-button-renew = Neuen Link senden
page-renewed = Wenn wir eine Adresse für { $customer } haben, ist ein neuer Link dorthin unterwegs.
page-missing = Wir konnten nicht erkennen, welchen Link Sie verwendet haben. Öffnen Sie den Link in Ihrer E-Mail noch einmal in diesem Browser und erlauben Sie der Seite, für einige Stunden ein Cookie zu speichern.
page-refused = Das Formular kam nicht von dieser Seite. Öffnen Sie den Link in Ihrer E-Mail noch einmal.
page-busy = Aus Ihrem Netzwerk kamen in kurzer Zeit sehr viele Aufrufe. Warten Sie eine Minute und laden Sie die Seite neu.
page-ours = Wir konnten das im Moment nicht nachsehen. Es hat sich nichts geändert. Laden Sie die Seite in einer Minute neu.
page-elsewhere = Schlüssel für { $customer } werden direkt in { $product } eingegeben. Melden Sie sich dort an, um fortzufahren.
page-elsewhere-open = { $product } öffnen

## Help.

page-help-support = Wenn Sie nicht weiterkommen, helfen wir gern:
page-reference = Referenz: { $reference }
page-powered = Die Verbindung wird von keypulse überwacht
