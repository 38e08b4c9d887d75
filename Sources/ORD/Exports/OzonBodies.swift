import AdModel

/// Bodies in the shape of Ozon ОРД.
struct OzonBodies {
    let profile: OzonProfile
    let data: ProfileMonth

    typealias Call = ProfileBundle.Call
    private static let root = "/api/external"

    func organisation(_ person: Person) -> Call {
        Call(
            path: "\(Self.root)/v6/organisation", ref: person.id,
            body: .compact([
                "externalOrganisationId": .string(person.id),
                "legalType": .string(OzonProfile.legalTypes[person.kind] ?? ""), "fullOpf": .string(person.name),
                "inn": person.inn.map(JSONText.string), "phoneNumber": person.phone.map(JSONText.string),
                "taxId": person.foreignINN.map(JSONText.string),
                "registrationNumber": person.foreignRegistrationNumber.map(JSONText.string),
                "paymentNumber": person.foreignEpaymentMethod.map(JSONText.string),
                "regionNumber": person.foreignCountryCode.map(JSONText.string),
                "rsUrl": person.rsURL.map(JSONText.string),
            ]))
    }

    func contract(_ contract: Contract) -> Call {
        Call(
            path: "\(Self.root)/v6/contract", ref: contract.id,
            body: .compact([
                "externalContractId": .string(contract.id), "contractNumber": contract.serial.map(JSONText.string),
                "contractDate": day(contract.date),
                "contractType": .string(OzonProfile.contractTypes[contract.type] ?? ""),
                "subjectType": .string(OzonProfile.subjectTypes[contract.subjectType] ?? ""),
                "actionType": contract.actionType.flatMap { OzonProfile.actionTypes[$0] }.map(JSONText.string),
                "externalOrganisationCustomerId": .string(contract.clientID),
                "externalOrganisationPerformerId": .string(contract.contractorID),
                "externalParentId": contract.parentID.map(JSONText.string),
                "price": contract.amount.map { .string($0.description) },
                "withNds": .bool(contract.flags.contains("vat_included")),
                "isCreativeReporter": .bool(contract.flags.contains("contractor_is_creatives_reporter")),
                "agentActingForPublisher": .bool(contract.flags.contains("agent_acting_for_publisher")),
            ]))
    }

    func cid(_ cid: CID) -> Call {
        Call(
            path: "\(Self.root)/v5/external_cid", ref: cid.id,
            body: .compact([
                "externalCidId": .string(cid.id), "cid": .string(cid.id), "name": .string(cid.name),
                "inn": cid.clientINN.map(JSONText.string), "phoneNumber": cid.clientPhone.map(JSONText.string),
            ]))
    }

    func platform(_ pad: Pad) -> Call {
        Call(
            path: "\(Self.root)/v6/platform", ref: pad.id,
            body: .compact([
                "externalPlatformId": .string(pad.id), "appName": .string(pad.name),
                "platformType": .string(OzonProfile.platformTypes[pad.type] ?? profile.televisionType ?? ""),
                "url": pad.url.map(JSONText.string),
            ]))
    }

    func feed(_ creative: Creative) -> Call {
        Call(
            path: "\(Self.root)/v3/feed", ref: feedID(creative),
            body: .object([
                "externalFeedId": .string(feedID(creative)), "title": .string(creative.name ?? creative.id),
            ]))
    }

    /// One element for each product of a shelf.
    func elements(_ creative: Creative) -> [Call] {
        creative.elements.map { element in
            let id = "\(creative.id)-\(element.sku)"
            return Call(
                path: "\(Self.root)/v3/feed/\(feedID(creative))/elements", ref: id,
                body: .compact([
                    "externalElementId": .string(id), "description": .string(element.name),
                    "urlList": urls(element.url.map { [$0] } ?? creative.targetURLs),
                    "mediaData": .array(media(texts: [element.name], element.mediaIDs)),
                ]))
        }
    }

    func creative(_ creative: Creative) -> Call {
        let isShelf = !creative.elements.isEmpty
        let own = creative.personID
        return Call(
            path: "\(Self.root)/v4/creative", ref: creative.id,
            body: .compact([
                "externalCreativeId": .string(creative.id),
                "creativeType": .string(isShelf ? "CREATIVE_TYPE_CONTAINER" : "CREATIVE_TYPE_CREATIVE"),
                "externalFeedId": isShelf ? .string(feedID(creative)) : nil,
                "externalContractIds": .strings(creative.contractIDs), "externalCidIds": .strings(creative.cids),
                "selfPromotionExternalOrganizationId": own.map(JSONText.string),
                "advObjectType": .string(OzonProfile.forms[creative.form] ?? ""),
                "title": .string(creative.name ?? creative.id),
                "description": .string(MediascoutBodies.description(creative)),
                "kktuCategory": .strings(creative.kktus), "isNative": .bool(false),
                "isSocialAdv": .bool(!creative.flags.isEmpty),
                "paymentType": .string(payType(creative.payType)), "urlList": urls(creative.targetURLs),
                // The products of a shelf stand in its feed.
                "mediaData": .array(
                    isShelf ? [] : media(texts: creative.texts, creative.mediaIDs)),
            ]))
    }

    func invoice(_ act: Act) -> Call {
        let isMediation = act.commission != nil
        return Call(
            path: "\(Self.root)/v7/invoice", ref: act.id,
            body: .compact([
                "externalInvoiceId": .string(act.id), "externalContractId": .string(act.contractID),
                "invoiceType": .string(isMediation ? "INVOICE_TYPE_INTERMEDIARY_REPORT" : "INVOICE_TYPE_INVOICE"),
                "invoiceNumber": act.serial.map(JSONText.string), "invoiceDate": day(act.date),
                "startDate": day(act.dateStart), "endDate": day(act.dateEnd),
                "clientRole": .string(OzonProfile.roles[act.clientRole] ?? ""),
                "contractorRole": .string(OzonProfile.roles[act.contractorRole] ?? ""),
                "servicePrice": price(act.services),
                "commissionPrice": act.commission.map { price($0.amount) },
                "contracts": .array(
                    act.items.map { item in
                        .compact([
                            "externalContractId": item.contractID.map(JSONText.string),
                            "externalCidId": item.cid.map(JSONText.string), "price": price(item.amount),
                        ])
                    }),
            ]))
    }

    func statistic(_ row: StatisticsRow) -> Call {
        let creative = data.scope.creativesByID[row.creativeID]
        // As the VK operator joins it: creative, pad and month are its key.
        let id = "\(row.creativeID)-\(row.padID)-\(data.month.statement.month)"
        return Call(
            path: "\(Self.root)/v6/statistic", ref: id,
            body: .compact([
                "externalStatisticId": .string(id),
                "externalInvoiceId": row.amount == nil
                    ? nil : data.actOfCreative[row.creativeID].map { .string($0.id) },
                "externalContractId": creative?.contractIDs.first.map(JSONText.string),
                "externalCreativeId": .string(row.creativeID), "externalPlatformId": .string(row.padID),
                "paymentType": .string(payType(row.payType)), "viewsCountByFact": .string(String(row.shows)),
                "viewsCountByInvoice": row.invoicedShows.map { .string(String($0)) },
                "unitCost": row.unitPrice.map { .string(DecimalText.trimmed($0.description)) },
                "price": row.amount.map(price), "dateStartFact": day(row.actualStart),
                "dateEndFact": day(row.actualEnd), "dateStartPlan": row.plannedStart.map(day),
                "dateEndPlan": row.plannedEnd.map(day),
            ]))
    }

    private func payType(_ type: String?) -> String { OzonProfile.payTypes[type ?? "other"] ?? "" }

    private func feedID(_ creative: Creative) -> String { "feed-\(creative.id)" }

    private func urls(_ urls: [String]) -> JSONText { .array(urls.map { .object(["url": .string($0)]) }) }

    private func media(texts: [String], _ ids: [String]) -> [JSONText] {
        texts.map { .object(["text": .string($0)]) }
            + ids.map { .object(["file": .object(["id": data.id($0)])]) }
    }

    private func price<A: CustomStringConvertible>(_ amount: TaxedAmount<A>) -> JSONText {
        .object([
            "amount": .string(amount.includingVAT.description),
            "excludingAmount": .string(amount.excludingVAT.description),
            "vatRate": .string(OzonProfile.vatRates[amount.rate.rawValue] ?? ""),
        ])
    }

    private func day(_ day: Day) -> JSONText { .string(day.description) }
}
