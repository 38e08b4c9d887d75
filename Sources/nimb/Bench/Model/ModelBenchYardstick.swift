import ClickModel
import Foundation

/// scikit-learn's batch logistic regression on the same features, in a process of its own.
struct ModelBenchYardstick {
    let python: String
    let folder: URL

    struct Result {
        /// Over the later four fifths, each predicted by a model of everything before it.
        var logLoss: Double
        /// Nimb's log loss / scikit-learn's, part by part.
        var foldRatios: [Double]
    }

    /// Columns are the templates' places as they are, so that both sides see the very same features.
    private static let script = """
        import sys, json, numpy as np
        from scipy.sparse import csr_matrix
        from sklearn.linear_model import LogisticRegression
        folder, columns = sys.argv[1], int(sys.argv[2])
        raw = np.fromfile(folder + '/features.u32', dtype=np.uint32).reshape(-1, columns)
        y = np.fromfile(folder + '/clicks.u8', dtype=np.uint8)
        n = len(y)
        used = np.zeros(1 << 20, dtype=bool)
        used[raw.reshape(-1)] = True
        place = (np.cumsum(used) - 1).astype(np.int32)
        x = csr_matrix((np.ones(raw.size), place[raw.reshape(-1)],
            np.arange(0, raw.size + 1, columns, dtype=np.int64)))
        first, losses, sizes = n // 5, [], []
        bounds = [first + (n - first) * k // 4 for k in range(5)]
        for a, b in zip(bounds, bounds[1:]):
            model = LogisticRegression(C=1.0, max_iter=300).fit(x[:a], y[:a])
            p = np.clip(model.predict_proba(x[a:b])[:, 1], 1e-12, 1 - 1e-12)
            t = y[a:b]
            losses.append(float(-(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()))
            sizes.append(int(b - a))
        print(json.dumps({'loss': float(np.average(losses, weights=sizes)), 'folds': losses}))
        """

    func run(_ data: ModelBenchData, _ figures: ModelBenchFigures) throws -> Result {
        try write(data)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = ["-c", Self.script, folder.path, "\(ClickFeature.count)"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        struct Answer: Decodable {
            var loss: Double
            var folds: [Double]
        }
        guard process.terminationStatus == 0, let answer = try? JSONDecoder().decode(Answer.self, from: output) else {
            throw Refusal("the batch yardstick failed; --python needs numpy, scipy and scikit-learn.")
        }
        return Result(logLoss: answer.loss, foldRatios: zip(figures.foldLogLoss, answer.folds).map { $0 / $1 })
    }

    private func write(_ data: ModelBenchData) throws {
        let features = folder.appendingPathComponent("features.u32")
        let clicks = folder.appendingPathComponent("clicks.u8")
        for file in [features, clicks] { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
        let featureFile = try FileHandle(forWritingTo: features)
        let clickFile = try FileHandle(forWritingTo: clicks)
        var words: [UInt32] = []
        var labels: [UInt8] = []
        func flush() throws {
            try featureFile.write(contentsOf: words.withUnsafeBytes { Data($0) })
            try clickFile.write(contentsOf: Data(labels))
            words.removeAll(keepingCapacity: true)
            labels.removeAll(keepingCapacity: true)
        }
        for example in data.examples {
            let indices = ClickFeature.indices(example.context)
            for number in 0..<ClickFeature.count { words.append(indices[number]) }
            labels.append(example.isClicked ? 1 : 0)
            if labels.count == 100_000 { try flush() }
        }
        try flush()
        try featureFile.close()
        try clickFile.close()
    }
}
