import Imaging
import Testing

@Suite("Pictures are accepted by decoding")
struct PictureDecoderTests {
    let decoder = PictureDecoder()

    private func code(_ bytes: [UInt8], _ decoder: PictureDecoder) async -> PictureError.Code? {
        do throws(PictureError) {
            _ = try await decoder.decode(bytes)
            return nil
        } catch { return error.code }
    }

    @Test(arguments: [
        (Samples.png, "image/png"), (Samples.jpeg, "image/jpeg"), (Samples.webp, "image/webp"),
        (Samples.gif, "image/gif"),
    ])
    func theFourTypesAreTakenByTheirContent(bytes: [UInt8], type: String) async throws {
        let picture = try await decoder.decode(bytes)
        #expect(picture.contentType == type)
        #expect(picture.width == 16 && picture.height == 12)
        #expect(picture.frames == 1)
        // What comes out decodes again.
        #expect(try await decoder.decode(picture.bytes).width == 16)
    }

    @Test func framesOfAnAnimationAreKeptAndCounted() async throws {
        let picture = try await decoder.decode(Samples.animation)
        #expect(picture.frames == 3)
        #expect(picture.height == 12, "of one frame, not of all")
        #expect(try await decoder.decode(picture.bytes).frames == 3)
        var limits = PictureLimits()
        limits.frames = 2
        #expect(await code(Samples.animation, PictureDecoder(limits: limits)) == .tooManyFrames)
    }

    @Test func metadataAndTrailingBytesAreGone() async throws {
        for sample in [Samples.jpegWithComment, Samples.png + Array("<script>secret-place</script>".utf8)] {
            #expect(contains(sample, "secret-place"))
            let picture = try await decoder.decode(sample)
            #expect(!contains(picture.bytes, "secret-place"))
        }
    }

    @Test(arguments: [
        "<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "<!doctype html><script>1</script>", "%PDF-1.4", "", "GIF",
    ])
    func whatIsNoneOfThemIsRefused(text: String) async {
        #expect(await code(Array(text.utf8), decoder) == .notAPicture)
    }

    @Test func aPageThatBeginsLikeAPictureIsRefused() async {
        let page = Array("GIF89a/*<svg onload=alert(1)>*/=1".utf8)
        #expect(await code(page, decoder) == .damaged)
    }

    @Test func limitsAreJudgedOnTheHeaderAlone() async {
        // A PNG that claims 60,000 x 60,000 pixels and has none.
        var bomb = Samples.png
        bomb.replaceSubrange(16..<24, with: [0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60])
        let found = await code(bomb, decoder)
        #expect(found == .tooManyPixels || found == .damaged, "the checksum of the header may be looked at first")
        var limits = PictureLimits()
        limits.pixels = 100
        #expect(await code(Samples.png, PictureDecoder(limits: limits)) == .tooManyPixels)
        limits = PictureLimits()
        limits.bytes = 10
        #expect(await code(Samples.png, PictureDecoder(limits: limits)) == .tooManyBytes)
    }

    @Test func uploadsBeyondTheLineAreRefusedAtOnce() async {
        var limits = PictureLimits()
        limits.concurrent = 1
        limits.waiting = 1
        let decoder = PictureDecoder(limits: limits)
        let codes = await withTaskGroup(of: PictureError.Code?.self) { group in
            for _ in 0..<32 { group.addTask { await code(Samples.animation, decoder) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.allSatisfy { $0 == nil || $0 == .busy })
        #expect(codes.contains(nil))
        #expect(await code(Samples.png, decoder) == nil, "the line empties")
    }

    @Test func damagedPicturesNeverCrashAndNeverComeOutBroken() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix64(state: seed)
        let originals = [
            Samples.png, Samples.jpeg, Samples.webp, Samples.gif, Samples.animation, Samples.jpegWithComment,
        ]
        for round in 0..<240 {
            var bytes = originals[round % originals.count]
            switch round % 3 {
            case 0: bytes.removeLast(1 + Int(random.next() % UInt64(bytes.count - 12)))
            case 1:
                for _ in 0..<(1 + random.next() % 8) {
                    bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
                }
            default:
                let place = Int(random.next() % UInt64(bytes.count))
                bytes.insert(contentsOf: (0..<16).map { _ in UInt8(truncatingIfNeeded: random.next()) }, at: place)
            }
            do throws(PictureError) {
                let picture = try await decoder.decode(bytes)
                #expect(
                    picture.width <= 10_000 && picture.width * picture.height * picture.frames <= 40_000_000,
                    "seed \(seed)")
                let again = await code(picture.bytes, decoder)
                #expect(again == nil, "seed \(seed), round \(round)")
            } catch { #expect(error.code != .busy, "seed \(seed)") }
        }
    }

    private func contains(_ bytes: [UInt8], _ text: String) -> Bool {
        String(decoding: bytes, as: Unicode.ASCII.self).contains(text)
    }
}

/// Small and repeatable.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
