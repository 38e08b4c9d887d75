extension FindingWords {
    /// In English.
    static let english: [String: Words] = [
        "account_format": Words("The account is written wrongly", "Enter twenty digits."),
        "account_key": Words("The account does not fit the bank", "Compare account and BIK: the key digit is wrong."),
        "act_differs": Words("Charges do not equal the act", "Ask the administrator."),
        "act_without_ledger": Words("The act has no charges", "Ask the administrator."),
        "address": Words("The address is written wrongly", "Enter a full address that begins with https://."),
        "agency_contract": Words(
            "A contract with an agency lacks the initial contract",
            "Enter the CID of the advertiser's contract with the agency."),
        "amount_range": Words("The sum is out of range", "Enter at most twelve digits before the point."),
        "amount_zero": Words("The sum is zero", "An act of zero is possible only under a contract without payment."),
        "bik_format": Words("The BIK is written wrongly", "Enter nine digits."),
        "charge_without_creative": Words(
            "A charge belongs to no creative",
            "Correct it by a row that names creative and pad."),
        "cid_bad": Words("The register refused the CID", "Ask the agency for the right one."),
        "cid_format": Words("The CID is written wrongly", "Copy the 36 characters that the register gave."),
        "cobranding": Words("Cobranding: pads inside of an act are forbidden", "Tell the shows as rows of statistics."),
        "contractor_foreign": Words("A foreign contractor pays no levy", "Remove the flag that the agent pays it."),
        "contractor_not_ors": Words(
            "The contractor is no ad system",
            "Give him the role ors and an address, or remove the flag."),
        "country_format": Words("The country is written wrongly", "Enter three digits of the OKSM classifier."),
        "date_in_future": Words("The date lies ahead", "Wait: the operator takes dates up to today in UTC."),
        "date_order": Words("The beginning is after the end", "Correct the dates."),
        "date_range": Words("The date is too early", "Correct the date."),
        "erid_bad": Words(
            "The register refused the erid",
            "Correct the creative with the operator as the register says."),
        "erid_differs": Words("The link holds another erid", "Remove it: the system adds the right one."),
        "erid_format": Words("The erid is written wrongly", "Copy all of it from the operator, letter case included."),
        "erid_missing": Words(
            "It was shown without an erid",
            "Register the creative with the operator and enter its erid."),
        "erid_twice": Words("The link holds two erids", "Remove them: the system adds the right one."),
        "external_id": Words("The id is not allowed", "Ask the administrator: ids are made by the system."),
        "flags_exclude": Words("The flags exclude each other", "Keep one of them."),
        "forbidden": Words("The field does not belong here", "Clear it."),
        "foreign_contract": Words(
            "The allocation names a contract of others",
            "With an advertiser as client, only the act's contract or its additional agreement fits."),
        "form_unknown": Words(
            "The operator does not know the form",
            "Choose another form of the creative, or another operator."),
        "frozen_differs": Words("A closed document was altered", "Restore the database, or make a correction."),
        "inn_checksum": Words("The INN has a mistake", "Compare it with the contract: the key digit is wrong."),
        "inn_digits": Words("The INN holds more than digits", "Enter digits only."),
        "inn_length": Words("The INN has the wrong length", "Firms have 10 digits, people 12."),
        "inn_zeros": Words("The INN is all zeros", "Enter the real one."),
        "items_differ": Words("The allocation does not equal the act", "Ask the administrator."),
        "items_exceed_act": Words("The allocation exceeds the act", "Ask the administrator."),
        "kktu_file": Words("The KKTU dictionary is damaged", "Ask the administrator."),
        "kktu_level": Words("The KKTU code is not of the third level", "Choose a code like 17.3.1 below it."),
        "kktu_unknown": Words("There is no such KKTU code", "Choose one of the dictionary."),
        "kpp_format": Words("The KPP is written wrongly", "Enter nine digits."),
        "label_differs": Words(
            "The label on the page is not the operator's",
            "Send counterparty and creative to the operator again."),
        "label_not_accepted": Words(
            "The operator has accepted other details of the advertiser",
            "Send the counterparty again."),
        "label_unregistered": Words("A creative serves without a token that holds", "Stop it and register it."),
        "ledger_differs": Words("Charges and rows disagree", "Some charges are not reported: ask the administrator."),
        "length": Words("The length is not allowed", "Shorten or complete the text."),
        "line_item_unknown": Words("A charge of an unknown line item", "Ask the administrator."),
        "media_bytes": Words("A file of the creative is lost or damaged", "Upload it again."),
        "mediation_only": Words(
            "The flag is for mediation contracts only",
            "Remove it, or correct the kind of the contract."),
        "more_than_shows": Words("More shows are invoiced than there were", "Look for charges without shows."),
        "name_charset": Words(
            "The name holds characters that the operator refuses",
            "Correct it by hand, as the register of firms has it."),
        "not_an_agency": Words("The counterparty is no agency", "Give it the role agency."),
        "not_found": Words("There is no such object", "Check the reference: it was removed, or is called otherwise."),
        "not_unique": Words("A value is repeated", "Remove the repetition."),
        "one_code": Words("There is more than one KKTU code", "Keep the one of what is advertised."),
        "one_identity": Words(
            "Several identities of the advertiser are given",
            "Keep one: INN, a foreign number, or a means of payment."),
        "one_owner": Words("The creative has several owners", "Keep the contract, the CID, or self-promotion."),
        "other_contract": Words("The creative belongs to another contract", "Move it, or correct the contract."),
        "other_month": Words("The date belongs to another month", "A row lives in one month: correct the dates."),
        "pad_duplicate": Words("There is already a pad of this address", "Give each pad its own."),
        "parent_parties": Words(
            "The parties are not those of the main contract",
            "Correct the parties of the agreement."),
        "parent_type": Words("An agreement adds to another agreement", "Name the main contract."),
        "person_duplicate": Words("The counterparty exists already", "Keep one card with this INN and KPP."),
        "phone_format": Words("The phone is written wrongly", "Begin with + and the country, 8 to 15 digits."),
        "platform_type": Words("The operator does not know the kind of pad", "Ask the operator, then set the switch."),
        "previous_missing": Words(
            "The earlier export is not found",
            "Restore the database: nothing can be taken back without it."),
        "range": Words("The number is out of range", "Correct it."),
        "required": Words("The field is empty", "Fill it in."),
        "role": Words("The role is not possible here", "Correct the roles of the contract's parties."),
        "row_negative": Words(
            "Refunds of the row exceed its charges",
            "Book the refund as a correction of the original month."),
        "row_outside_act": Words(
            "It was shown outside the contract's dates",
            "Correct the contract's dates, or refund the charges."),
        "same_inn": Words("Both parties have one INN", "Correct one of them."),
        "same_party": Words("The parties are one and the same", "Name another client or contractor."),
        "self_promotion_money": Words("Self-promotion was charged", "Refund the charges."),
        "serial_duplicate": Words(
            "The number reads like another one",
            "Keep one document or change its number: else the levy is charged twice."),
        "serial_spaces": Words(
            "The number holds extra or invisible spaces",
            "Remove them: they make another document, and the levy is charged twice."),
        "shows_differ": Words("Events and rows disagree about shows", "Ask the administrator."),
        "statistics_differ": Words(
            "Statistics do not equal the act",
            "Ask the administrator: both are computed from the same charges."),
        "statistics_vat_differs": Words("VAT of the statistics is not that of the act", "Ask the administrator."),
        "too_many": Words("There are too many values", "Keep no more than are allowed."),
        "unknown_value": Words("The value is not allowed", "Choose one of the list."),
        "vat_bounds": Words("VAT is outside of what the operator takes", "Check the contract's rate."),
        "vat_included_missing": Words("It is not said whether the amount includes VAT", "Set the flag vat_included."),
        "vat_rate_date": Words(
            "The VAT rate is not that of the act's date",
            "22 % since 2026, 20 % before: correct date or rate."),
        "vat_rate_unknown": Words("The operator does not know the VAT rate", "Ask the operator, then set the switch."),
        "vat_rest": Words(
            "Less than a kopeck of VAT is left",
            "Nothing: the operator's bounds leave no room for it in the rows."),
        "vat_sum": Words("The sum with VAT is not the sum of both", "Ask the administrator."),
        "zero_price": Words("Price and sum have to be both zero or both above", "Check the row's charges."),
    ]
}
