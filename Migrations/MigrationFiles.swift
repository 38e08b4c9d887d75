import Foundation

/// The SQL migrations of `Migrations/`, shipped beside the binary and named by UTC timestamp.
public enum MigrationFiles {
    /// Folder that holds the `*.sql` files.
    public static var folder: URL { Bundle.module.bundleURL }
}
