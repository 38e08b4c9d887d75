import AdModel

/// Bodies in the shape of Mediascout v3. Money is a JSON number there, spelled with the decimals that it has.
struct MediascoutBodies {
    let profile: MediascoutProfile
    let data: ProfileMonth

    typealias Call = ProfileBundle.Call

    /// Parties of our contracts. The clients of agencies are named by their contract's CID alone.
    var clients: [Call] {
        let retailers = Set(data.scope.pads.map(\.personID))
        return data.scope.persons.filter { profile.registersRetailer || !retailers.contains($0.id) }.map { person in
            Call(
                path: "/v3/clients", ref: person.id,
                body: .compact([
                    "createMode": .string("DirectClient"),
                    "legalForm": .string(MediascoutProfile.legalForms[person.kind] ?? ""),
                    "name": .string(person.name), "inn": person.inn.map(JSONText.string),
                    "mobilePhone": person.phone.map(JSONText.string),
                    "epayNumber": person.foreignEpaymentMethod.map(JSONText.string),
                    "regNumber": (person.foreignINN ?? person.foreignRegistrationNumber).map(JSONText.string),
                    "oksmNumber": person.foreignCountryCode.map(JSONText.string),
                ]))
        }
    }

    /// A contract whose contractor is the retailer is one of income; the others are of expense.
    func contract(_ contract: Contract) -> Call {
        let retailers = Set(data.scope.pads.map(\.personID))
        let isIncome = retailers.contains(contract.contractorID) || !retailers.contains(contract.clientID)
        return Call(
            path: isIncome ? "/v3/contracts/final" : "/v3/contracts/outer", ref: contract.id,
            body: .compact([
                "number": contract.serial.map(JSONText.string), "date": day(contract.date),
                "expirationDate": contract.dateEnd.map(day), "amount": contract.amount.map(money),
                "isAgentActingForPublisher": .bool(contract.flags.contains("agent_acting_for_publisher")),
                "type": .string(MediascoutProfile.contractTypes[contract.type] ?? ""),
                "subjectType": .string(MediascoutProfile.subjectTypes[contract.subjectType] ?? ""),
                "actionType": contract.actionType.flatMap { MediascoutProfile.actionTypes[$0] }.map(JSONText.string),
                "parentMainContractId": contract.parentID.map(data.id),
                "clientId": isIncome ? data.id(contract.clientID) : nil,
                "contractorId": isIncome ? nil : data.id(contract.contractorID),
                "isRegReport": isIncome
                    ? nil : .bool(contract.flags.contains("contractor_is_creatives_reporter")),
            ]))
    }

    func platform(_ pad: Pad) -> Call {
        Call(
            path: "/v3/platforms", ref: pad.id,
            body: .compact([
                "name": .string(pad.name), "type": .string(platformType(pad)), "url": pad.url.map(JSONText.string),
                "isOwner": .bool(pad.isOwner),
            ]))
    }

    func creative(_ creative: Creative) -> Call {
        var body = shared(creative)
        body["creativeGroupName"] = .string(creative.name ?? creative.id)
        body["isSelfPromotion"] = .bool(creative.isSelfPromotion)
        body["isCobranding"] = .bool(false)
        body["isNative"] = .bool(false)
        body["isSocial"] = .bool(creative.flags.contains("social"))
        body["isSocialQuota"] = .bool(creative.flags.contains("social_quota"))
        body["advertiserUrls"] = .strings(creative.targetURLs)
        body["mediaData"] = list(mediaData(creative.mediaIDs))
        body["textData"] = list(creative.texts.map { .object(["textData": .string($0)]) })
        return Call(path: "/v3/creatives", ref: creative.id, body: .object(body))
    }

    /// The shelf: it carries the erid.
    func container(_ creative: Creative) -> Call {
        var body = shared(creative)
        body["name"] = .string(creative.name ?? creative.id)
        body["feedId"] = data.id("feed-\(creative.id)")
        return Call(path: "/v3/feeds/containers", ref: creative.id, body: .object(body))
    }

    /// One card for each product.
    func elements(_ creative: Creative) -> [Call] {
        creative.elements.map { element in
            let id = "\(creative.id)-\(element.sku)"
            return Call(
                path: "/v3/feeds/elements", ref: id,
                body: .compact([
                    "nativeCustomerId": .string(id), "description": .string(element.name),
                    "feedId": profile.elementsNameFeed ? data.id("feed-\(creative.id)") : nil,
                    "advertiserUrls": .strings(element.url.map { [$0] } ?? creative.targetURLs),
                    "mediaData": .array(mediaData(element.mediaIDs)),
                    "textData": .array([.object(["textData": .string(element.name)])]),
                ]))
        }
    }

    func invoice(_ act: Act) -> Call {
        let rows = data.settlement.rows.filter {
            $0.amount != nil && data.actOfCreative[$0.creativeID]?.id == act.id
        }
        return Call(
            path: "/v3.1/invoices", ref: act.id,
            body: .compact([
                "type": .string(act.commission == nil ? "Invoice" : "IntermediaryReport"),
                "number": act.serial.map(JSONText.string), "date": day(act.date),
                "contractorRole": .string(MediascoutProfile.roles[act.contractorRole] ?? ""),
                "clientRole": .string(MediascoutProfile.roles[act.clientRole] ?? ""),
                "finalContractId": data.id(act.contractID), "startDate": day(act.dateStart),
                "endDate": day(act.dateEnd), "services": amount(act.services),
                "commission": act.commission.map { amount($0.amount) },
                "initialContractsData": .array(
                    act.items.map { item in
                        .object([
                            "initialContractId": item.cid.map(JSONText.string) ?? data.id(item.contractID ?? ""),
                            "amount": amount(item.amount),
                        ])
                    }),
                "statisticsByPlatforms": .array(rows.map(row)),
            ]))
    }

    /// Sends a registered act on to ЕРИР.
    func confirmation(_ act: Act) -> Call {
        let id = data.month.operatorIDs[act.id] ?? "@\(act.id)"
        return Call(method: "PATCH", path: "/v3/invoices/\(id)/confirm", ref: act.id, body: .object([:]))
    }

    func freeRow(_ row: StatisticsRow) -> Call {
        Call(path: "/v3.1/statistics", ref: "\(row.creativeID)-\(row.padID)", body: self.row(row))
    }

    /// A description is brand, category and words together: Mediascout has one field for them.
    static func description(_ creative: Creative) -> String {
        if let description = creative.description { return description }
        return [creative.brand, creative.category].compactMap(\.self).joined(separator: ", ")
    }

    /// What a creative and a container have in common.
    private func shared(_ creative: Creative) -> [String: JSONText] {
        var body: [String: JSONText] = [
            "nativeCustomerId": .string(creative.id), "kktuCodes": .strings(creative.kktus),
            "form": .string(MediascoutProfile.forms[creative.form] ?? ""),
            "type": .string(creative.payType.flatMap { MediascoutProfile.payTypes[$0] } ?? profile.selfPromotionType),
        ]
        let description = Self.description(creative)
        if !description.isEmpty { body["description"] = .string(description) }
        // Both contracts stay empty for self-promotion.
        if let final = data.contractOfCreative[creative.id] {
            body["finalContractId"] = data.id(final)
            body["initialContractId"] =
                creative.cids.first.map(JSONText.string) ?? data.id(creative.contractIDs.first ?? final)
        }
        return body
    }

    private func row(_ row: StatisticsRow) -> JSONText {
        let creative = data.scope.creativesByID[row.creativeID]
        let pad = data.scope.padsByID[row.padID]
        let contract = creative?.cids.first.map(JSONText.string) ?? creative?.contractIDs.first.map(data.id)
        return .compact([
            "erid": creative?.erid.map(JSONText.string), "initialContractId": contract,
            "platformUrl": pad?.url.map(JSONText.string), "platformName": pad.map { .string($0.name) },
            "platformType": pad.map { .string(platformType($0)) },
            "platformOwnedByAgency": .bool(pad?.isOwner ?? true),
            "type": .string(row.payType.flatMap { MediascoutProfile.payTypes[$0] } ?? profile.selfPromotionType),
            "impsPlan": .number(row.invoicedShows ?? row.shows), "impsFact": .number(row.shows),
            "startDatePlan": day(row.plannedStart ?? row.actualStart),
            "endDatePlan": day(row.plannedEnd ?? row.actualEnd), "startDateFact": day(row.actualStart),
            "endDateFact": day(row.actualEnd),
            "price": row.unitPrice.map { .decimal(DecimalText.trimmed($0.description)) },
            "amount": row.amount.map(amount),
        ])
    }

    private func mediaData(_ ids: [String]) -> [JSONText] {
        data.media(ids).map { media, bytes in
            let kind = media.contentType.split(separator: "/").first.map(String.init) ?? "image"
            return .object([
                "fileName": .string(String(media.path.split(separator: "/").last ?? "media")),
                "fileType": .string(kind.prefix(1).uppercased() + kind.dropFirst()),
                "fileContentBase64": .string(Base64.text(bytes)), "isArchive": .bool(false),
            ])
        }
    }

    private func platformType(_ pad: Pad) -> String {
        MediascoutProfile.platformTypes[pad.type] ?? profile.televisionType ?? ""
    }

    private func amount<A: CustomStringConvertible>(_ amount: TaxedAmount<A>) -> JSONText {
        let rate = amount.rate == .withoutVAT ? profile.withoutVATRate ?? 0 : amount.rate.percent
        return .object([
            "amountExcludingVat": money(amount.excludingVAT), "vatRate": .number(rate), "vat": money(amount.vat),
            "amountIncludingVat": money(amount.includingVAT),
        ])
    }

    private func money<A: CustomStringConvertible>(_ amount: A) -> JSONText { .decimal(amount.description) }

    private func list(_ values: [JSONText]) -> JSONText? { values.isEmpty ? nil : .array(values) }

    private func day(_ day: Day) -> JSONText { .string(day.description) }
}
