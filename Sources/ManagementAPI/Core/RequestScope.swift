import HTTPTypes
import Hummingbird
import Logging
import Store

/// Gives each request an id and turns whatever goes wrong into a problem that carries it.
struct RequestScope: RouterMiddleware {
    func handle(
        _ request: Request, context: ManagementContext, next: (Request, ManagementContext) async throws -> Response
    ) async throws -> Response {
        let id = Self.requestID(of: request)
        var context = context
        context.requestID = id
        var response: Response
        do {
            response = try await next(request, context)
        } catch let problem as Problem {
            response = problem.response(requestID: id)
        } catch let error as any HTTPResponseError {
            response = Self.problem(for: error.status).response(requestID: id)
        } catch {
            // The error's own text may hold values of the request; its type is enough to look it up by id.
            context.logger.error(
                "request failed",
                metadata: ["request_id": "\(id)", "error": "\(type(of: error))", "path": "\(request.uri.path)"])
            response = Problem.internalError.response(requestID: id)
        }
        response.headers[.requestID] = id
        response.headers[.xContentTypeOptions] = "nosniff"
        return response
    }

    /// The caller's own id when it is harmless, else a random one.
    private static func requestID(of request: Request) -> String {
        guard let given = request.headers[.requestID], (1...64).contains(given.utf8.count),
            given.utf8.allSatisfy({ byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
                default: false
                }
            })
        else { return String(UInt64.random(in: .min ... .max), radix: 36) }
        return given
    }

    private static func problem(for status: HTTPResponse.Status) -> Problem {
        switch status.code {
        case 404: .notFound
        case 405: Problem(.methodNotAllowed, "This address does not know the method.")
        case 413: Problem(.bodyTooLarge, "The body is too large.")
        case 400..<500: Problem(.badRequest, "The request could not be read.")
        default: .internalError
        }
    }
}
