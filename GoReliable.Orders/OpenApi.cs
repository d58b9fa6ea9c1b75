using Scalar.AspNetCore;

namespace GoReliable.Orders;

/// <summary>
/// The description of the public API at <c>/openapi/v1.json</c>, and a page to try it at <c>/docs</c>. It is written and not
/// generated: half of the answers are the gateway's or another service's, and no code here knows of them. Tests hold it and
/// the running platform against each other, both ways.
/// </summary>
internal static class OpenApi
{
    private static readonly byte[] Document = Read();

    public static void MapApiDescription(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/openapi/v1.json", () => TypedResults.Bytes(Document, "application/json"));
        routes.MapScalarApiReference("/docs", scalar =>
        {
            // No fonts from Scalar's servers: the gateway's Content-Security-Policy has everything from here.
            scalar.WithTitle("GoReliable API").DisableDefaultFonts().AddPreferredSecuritySchemes("Bearer");
            // Nor anything else of its maker's: questions to an AI, sharing, generated SDKs, deploying, his own client.
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
