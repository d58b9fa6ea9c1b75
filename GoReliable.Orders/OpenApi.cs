using Scalar.AspNetCore;

namespace GoReliable.Orders;

/// <summary>
/// The description of the public API at <c>/openapi/v1.json</c>, and a page to try it at <c>/docs</c>. It is written by
/// hand and not generated: half of the answers come from the gateway or another service, and no code here knows of
/// them. Tests compare it with the running platform, in both directions.
/// </summary>
internal static class OpenApi
{
    private static readonly byte[] Document = Read();

    public static void MapApiDescription(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/openapi/v1.json", () => TypedResults.Bytes(Document, "application/json"));
        routes.MapScalarApiReference("/docs", scalar =>
        {
            // No fonts from Scalar's servers: the gateway's Content-Security-Policy allows only what comes from here.
            scalar.WithTitle("GoReliable API").DisableDefaultFonts().AddPreferredSecuritySchemes("Bearer");
            // Nor anything else that Scalar's maker offers: questions to an AI, sharing, generated SDKs, deploying, its
            // own client.
            scalar.Agent = new ScalarAgentOptions { Disabled = true };
            scalar.Mcp = new ScalarMcpOptions { Disabled = true };
            scalar.ShowDeveloperTools = DeveloperToolsVisibility.Never;
            scalar.HideClientButton = true;
            scalar.Telemetry = false;
        });
    }

    private static byte[] Read()
    {
        using var resource = typeof(OpenApi).Assembly.GetManifestResourceStream("openapi.json")!;
        var document = new byte[resource.Length];
        resource.ReadExactly(document);
        return document;
    }
}
