import AdModel

/// Request bodies in the shape of the VK operator (ord.md section 2), byte for byte.
enum VKBodies {
    static func person(_ p: Person) -> JSONText {
        .compact([
            "name": .string(p.name), "roles": .strings(p.roles), "rs_url": p.rsURL.map(JSONText.string),
            "juridical_details": .compact([
                "type": .string(p.kind), "inn": p.inn.map(JSONText.string), "kpp": p.kpp.map(JSONText.string),
                "phone": p.phone.map(JSONText.string),
                "foreign_epayment_method": p.foreignEpaymentMethod.map(JSONText.string),
                "foreign_registration_number": p.foreignRegistrationNumber.map(JSONText.string),
                "foreign_inn": p.foreignINN.map(JSONText.string),
                "foreign_oksm_country_code": p.foreignCountryCode.map(JSONText.string),
            ]),
        ])
    }

    static func contract(_ c: Contract) -> JSONText {
        .compact([
            "type": .string(c.type), "client_external_id": .string(c.clientID),
            "contractor_external_id": .string(c.contractorID), "date": day(c.date), "date_end": c.dateEnd.map(day),
            "serial": c.serial.map(JSONText.string), "subject_type": .string(c.subjectType),
            "action_type": c.actionType.map(JSONText.string),
            "parent_contract_external_id": c.parentID.map(JSONText.string),
            "amount": c.amount.map { .string($0.description) }, "flags": .strings(c.flags),
        ])
    }

    static func cid(_ c: CID) -> JSONText {
        .compact([
            "name": .string(c.name), "client_inn": c.clientINN.map(JSONText.string),
            "client_phone": c.clientPhone.map(JSONText.string),
            "client_foreign_epayment_method": c.clientForeignEpaymentMethod.map(JSONText.string),
            "client_foreign_registration_number": c.clientForeignRegistrationNumber.map(JSONText.string),
            "client_foreign_inn": c.clientForeignINN.map(JSONText.string),
        ])
    }

    static func pad(_ p: Pad) -> JSONText {
        .compact([
            "person_external_id": .string(p.personID), "is_owner": .bool(p.isOwner), "type": .string(p.type),
            "name": .string(p.name), "url": p.url.flatMap { $0.isEmpty ? nil : .string($0) },
        ])
    }

    static func media(_ m: Media) -> JSONText {
        .compact([
            "media_file": .string(m.path), "content_type": .string(m.contentType), "size": .number(m.size),
            "sha256": .string(m.sha256),
        ])
    }

    static func creative(_ c: Creative) -> JSONText {
        .compact([
            "contract_external_ids": .strings(c.contractIDs), "person_external_id": c.personID.map(JSONText.string),
            "cids": .strings(c.cids), "kktus": .strings(c.kktus), "name": c.name.map(JSONText.string),
            "brand": c.brand.map(JSONText.string), "category": c.category.map(JSONText.string),
            "description": c.description.map(JSONText.string), "pay_type": c.payType.map(JSONText.string),
            "form": .string(c.form), "targeting": c.targeting.map(JSONText.string),
            "target_urls": .strings(c.targetURLs), "texts": .strings(c.texts),
            "media_external_ids": .strings(c.mediaIDs), "flags": .strings(c.flags),
        ])
    }

    static func erid(_ c: Creative) -> JSONText? {
        c.erid.map {
            .compact([
                "creative_external_id": .string(c.id), "erid": .string($0),
                "status": .string(c.eridStatus ?? "new"),
            ])
        }
    }

    /// Acts list creatives without platforms: every row lives once, in the statistics (R7).
    static func act(_ a: Act) -> JSONText {
        .compact([
            "contract_external_id": .string(a.contractID), "date": day(a.date), "serial": a.serial.map(JSONText.string),
            "date_start": day(a.dateStart), "date_end": day(a.dateEnd), "client_role": .string(a.clientRole),
            "contractor_role": .string(a.contractorRole), "flags": .strings(a.flags),
            "amount": .compact([
                "services": amount(a.services),
                "commission": a.commission.map { commission in
                    guard case .object(var members) = amount(commission.amount) else { return .object([:]) }
                    members["serial"] = commission.serial.map(JSONText.string)
                    members["date"] = commission.date.map(day)
                    return .object(members)
                },
            ]),
            "items": .array(
                a.items.map { item in
                    .compact([
                        "contract_external_id": item.contractID.map(JSONText.string),
                        "cid": item.cid.map(JSONText.string), "amount": amount(item.amount),
                        "flags": .strings(item.flags),
                        "creatives": .array(
                            item.creativeIDs.map { .object(["creative_external_id": .string($0)]) }),
                    ])
                }),
        ])
    }

    static func row(_ r: StatisticsRow) -> JSONText {
        .compact([
            "creative_external_id": .string(r.creativeID), "pad_external_id": .string(r.padID),
            "shows_count": .number(r.shows), "invoice_shows_count": r.invoicedShows.map(JSONText.number),
            "amount": r.amount.map(amount), "amount_per_event": r.unitPrice.map { .string($0.description) },
            "pay_type": r.payType.map(JSONText.string), "date_start_actual": day(r.actualStart),
            "date_end_actual": day(r.actualEnd), "date_start_planned": r.plannedStart.map(day),
            "date_end_planned": r.plannedEnd.map(day),
        ])
    }

    /// The key of a row that is taken back (A23).
    static func deletedRow(_ r: StatisticsRow) -> JSONText {
        .object([
            "items": .array([
                .object([
                    "creative_external_id": .string(r.creativeID), "pad_external_id": .string(r.padID),
                    "date_start_actual": day(r.actualStart),
                ])
            ])
        ])
    }

    private static func amount<A: CustomStringConvertible>(_ a: TaxedAmount<A>) -> JSONText {
        .object([
            "excluding_vat": .string(a.excludingVAT.description), "vat_rate": .string(a.rate.rawValue),
            "vat": .string(a.vat.description), "including_vat": .string(a.includingVAT.description),
        ])
    }

    private static func day(_ day: Day) -> JSONText { .string(day.description) }
}
