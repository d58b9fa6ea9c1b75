using Microsoft.OpenApi;
using Scalar.AspNetCore;

namespace GoReliable.Orders;

/// <summary>The description of the public API at <c>/openapi/v1.json</c>, and a page to try it at <c>/docs</c>.</summary>
internal static class OpenApi
{
    private const string Bearer = "Bearer";

    public static IServiceCollection AddApiDescription(this IServiceCollection services) => services.AddOpenApi(options =>
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo { Title = "GoReliable", Version = "v1", Description = "Orders that are never lost, and customers that are notified once." };
            // Relative to where the document was read from: the gateway, whatever its name is outside.
            document.Servers = [new OpenApiServer { Url = "/" }];
            document.Paths.Add("/api/v1/orders/{id}/notifications", Notifications());
            RequireToken(document);
            return Task.CompletedTask;
        }));

    public static void MapApiDescription(this IEndpointRouteBuilder routes)
    {
        routes.MapOpenApi();
        // No fonts from Scalar's servers: the gateway's Content-Security-Policy has everything from here.
        routes.MapScalarApiReference("/docs", scalar => scalar.WithTitle("GoReliable API").DisableDefaultFonts().AddPreferredSecuritySchemes(Bearer));
    }

    private static void RequireToken(OpenApiDocument document)
    {
        document.AddComponent(Bearer, new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT" });
        document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Bearer, document)] = [] }];
    }

    // Served by another service, behind the same gateway: clients see one API.
    private static OpenApiPathItem Notifications() => new()
    {
        Operations = new Dictionary<HttpMethod, OpenApiOperation>
        {
            [HttpMethod.Get] = new()
            {
                OperationId = "listNotifications",
                Summary = "Tells what was sent about an order: when, by which channel, after how many attempts.",
                Tags = new HashSet<OpenApiTagReference> { new("Orders") },
                Parameters =
                [
                    new OpenApiParameter { Name = "id", In = ParameterLocation.Path, Required = true, Schema = Text("uuid") },
                ],
                Responses = new OpenApiResponses
                {
                    ["200"] = new OpenApiResponse
                    {
                        Description = "OK; empty until the first one is sent",
                        Content = new Dictionary<string, OpenApiMediaType> { ["application/json"] = new OpenApiMediaType { Schema = Page() } },
                    },
                },
            },
        },
    };

    private static OpenApiSchema Page() => Object(("items", new OpenApiSchema
    {
        Type = JsonSchemaType.Array,
        Items = Object(("id", Text("uuid")), ("type", Text()), ("channel", Text()), ("status", Text()), ("attempts", new OpenApiSchema { Type = JsonSchemaType.Integer }), ("sentAt", Text("date-time"))),
    }));

    private static OpenApiSchema Object(params (string Name, IOpenApiSchema Schema)[] properties) => new()
    {
        Type = JsonSchemaType.Object,
        Properties = properties.ToDictionary(property => property.Name, property => property.Schema),
        Required = properties.Select(property => property.Name).ToHashSet(),
    };

    private static OpenApiSchema Text(string? format = null) => new() { Type = JsonSchemaType.String, Format = format };
}
