/// The caps of a shopper on their way to another node.
extension CapCounters {
    static let encodedVersion: UInt8 = 1

    /// True when nothing was ever counted.
    public var isEmpty: Bool { filter == 0 }

    /// All counters, with the number of the session that they count in, and when the shopper was seen last.
    public func encoded(session: UInt16, lastSeen: UInt32) -> [UInt8] {
        var bytes: [UInt8] = [Self.encodedVersion]
        func put<T: FixedWidthInteger>(_ value: T) {
            withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
        }
        put(session)
        put(lastSeen)
        for i in 0..<Self.capacity where counters[i].key != 0 {
            let it = counters[i]
            put(UInt8(1))
            put(it.key)
            put(it.hourOpened)
            put(it.dayOpened)
            for value in [it.sinceHour, it.hour, it.day, it.session, sessionNumber, it.lifetime] { put(value) }
        }
        for i in 0..<Self.pendingCapacity where pending[i].key != 0 {
            put(UInt8(2))
            put(pending[i].key)
            put(pending[i].at)
        }
        return bytes
    }

    /// Reads what `encoded` wrote; nil for anything else.
    public init?(encoded bytes: [UInt8], session: inout UInt16, lastSeen: inout UInt32) {
        self.init()
        var rest = bytes[...]
        func take<T: FixedWidthInteger>(_: T.Type = T.self) -> T? {
            guard rest.count >= MemoryLayout<T>.size else { return nil }
            var value: T = 0
            for (place, byte) in rest.prefix(MemoryLayout<T>.size).enumerated() { value |= T(byte) << (8 * place) }
            rest = rest.dropFirst(MemoryLayout<T>.size)
            return value
        }
        guard take(UInt8.self) == Self.encodedVersion, let number: UInt16 = take(), let seen: UInt32 = take() else {
            return nil
        }
        var counter = 0
        var waiting = 0
        while let kind: UInt8 = take() {
            switch kind {
            case 1 where counter < Self.capacity:
                guard let key: UInt32 = take(), let hourOpened: UInt32 = take(), let dayOpened: UInt32 = take(),
                    let sinceHour: UInt16 = take(), let hour: UInt16 = take(), let day: UInt16 = take(),
                    let own: UInt16 = take(), let ownNumber: UInt16 = take(), let lifetime: UInt16 = take(),
                    CapCounter.isPossible(hourOpened: hourOpened, dayOpened: dayOpened, sinceHour: sinceHour)
                else { return nil }
                var it = CapCounter(key: key)
                it.setWindows(hourOpened: hourOpened, dayOpened: dayOpened, sinceHour: sinceHour)
                it.hour = hour
                it.day = day
                // What an earlier session counted counts no more.
                it.session = ownNumber == number ? own : 0
                it.lifetime = lifetime
                counters[counter] = it
                counter += 1
            case 2 where waiting < Self.pendingCapacity:
                guard let key: UInt32 = take(), let at: UInt32 = take() else { return nil }
                pending[waiting] = PendingContact(key: key, at: at)
                waiting += 1
            default: return nil
            }
        }
        sessionNumber = number
        session = number
        lastSeen = seen
    }
}

extension ProfileStore {
    /// The caps of all shoppers that `isWanted` chooses, for another node.
    public func exportCaps(_ isWanted: (UInt64) -> Bool) -> [(shopper: UInt64, caps: [UInt8])] {
        var found: [(shopper: UInt64, caps: [UInt8])] = []
        for shard in 0..<Self.shardCount {
            for shopper in capped(shard: shard) where isWanted(shopper) {
                guard let profile = read(shopper), !profile.caps.isEmpty else { continue }
                found.append((shopper, profile.caps.encoded(session: profile.session, lastSeen: profile.lastSeen)))
            }
        }
        return found
    }

    /// Takes over what another node has counted; what was counted here before is replaced.
    /// - Returns: false when the bytes are none of `exportCaps`.
    @discardableResult
    public func importCaps(_ bytes: [UInt8], shopper: UInt64) -> Bool {
        var session: UInt16 = 0
        var lastSeen: UInt32 = 0
        guard shopper != 0, let caps = CapCounters(encoded: bytes, session: &session, lastSeen: &lastSeen) else {
            return false
        }
        let (ownSession, seen) = (session, lastSeen)
        change(shopper) { profile in
            profile.caps = caps
            // The session goes on, or its caps would start anew.
            profile.session = ownSession
            if profile.lastSeen < seen { profile.lastSeen = seen }
            if profile.sessionStart == 0 { profile.sessionStart = seen }
        }
        return true
    }
}
