import AdModel

/// Device class of a `User-Agent`, for callers that do not declare one.
enum DeviceClass {
    static func of(_ agent: String?) -> Device {
        guard var agent, !agent.isEmpty else { return .other }
        return agent.withUTF8 { bytes in
            let limited = UnsafeBufferPointer(rebasing: bytes.prefix(512))
            if contains(limited, "SmartTV") || contains(limited, "Smart-TV") || contains(limited, "AppleTV") {
                return .tv
            }
            if contains(limited, "iPad") || contains(limited, "Tablet") { return .tablet }
            let mobile = contains(limited, "Mobile") || contains(limited, "iPhone")
            // Android without "Mobile" is how tablets announce themselves.
            if contains(limited, "Android") { return mobile ? .mobile : .tablet }
            if mobile { return .mobile }
            let desktop = contains(limited, "Windows") || contains(limited, "Macintosh") || contains(limited, "X11")
            return desktop ? .desktop : .other
        }
    }

    private static func contains(_ bytes: UnsafeBufferPointer<UInt8>, _ word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        guard bytes.count >= length else { return false }
        let first = word.utf8Start[0]
        var i = 0
        while i <= bytes.count - length {
            if bytes[i] == first {
                var j = 1
                while j < length, bytes[i + j] == word.utf8Start[j] { j += 1 }
                if j == length { return true }
            }
            i += 1
        }
        return false
    }
}
