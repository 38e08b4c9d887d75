import AdFormatFiles
import AdFormats
import Testing

@Suite struct TagFilesTests {
    private func bytes(_ files: [String: String]) -> [String: [UInt8]] { files.mapValues { Array($0.utf8) } }

    @Test("Both forms are made of the same modules, each taken once, after those that it imports")
    func assembly() throws {
        let files = try TagFiles(
            bytes([
                "nimb.js": "import { b } from './b.js';\n// the end\nb();\n",
                "nimb.mjs": "import { b } from './b.js';\nexport default b();\n",
                "b.js":
                    "import { a } from './a.js';\nimport { c } from './c.js';\n/** Says. */\nexport function b() {\n    a(c);\n}\n",
                "c.js": "import { a } from './a.js';\nexport const c = a;\n",
                "a.js": "export const a = 1; /* one */\n",
            ]), stylesheet: "/* look */\na { }\n")
        let core = "const a = 1; \nconst c = a;\nfunction b() {\n a(c);\n}\n"
        #expect(files.classic == "(() => {\n\"use strict\";\n" + core + "b();\n})();\n")
        #expect(files.module == core + "export default b();\n")
        #expect(files.stylesheet == "a { }\n")
    }

    @Test("A module that is missing, imported from elsewhere or names something twice is refused")
    func refusals() {
        for broken in [
            ["nimb.js": "import { b } from './b.js';\n"],
            ["nimb.js": "import b from 'https://elsewhere.test/b.js';\n"],
            ["nimb.js": "import { b } from './b.js';\nconst c = 1;\n", "b.js": "export const c = 1;\n"],
        ] {
            #expect(throws: AdFormatError.self) {
                try TagFiles(bytes(broken.merging(["nimb.mjs": ""]) { old, _ in old }), stylesheet: "")
            }
        }
    }

    @Test("The shipped tag goes together and keeps its promises about what it may use")
    func shipped() throws {
        let formats = try AdFormatSet(folders: AdFormatFiles.read())
        let tag = try TagFiles(AdFormatFiles.tag(), stylesheet: formats.stylesheet)
        for text in [tag.classic, tag.module] {
            // A strict policy forbids these, and templates of text would be changed by putting files together.
            for word in ["eval(", "Function(", ".setAttribute('style'", ".style.", "`", "import {", "document.write"] {
                #expect(!text.contains(word), "the tag uses \(word)")
            }
        }
        #expect(tag.stylesheet.contains(".nimb-shelf"))
    }
}
