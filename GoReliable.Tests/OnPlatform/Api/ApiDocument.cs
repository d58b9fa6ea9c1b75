using System.Net;
using System.Text.Json;
using GoReliable.Orders;
using GoReliable.Tests.Platform;
using NJsonSchema;
using NSwag;

namespace GoReliable.Tests.OnPlatform.Api;

/// <summary>The OpenAPI document that the platform serves, and whether an answer is as it says.</summary>
internal sealed class ApiDocument
{
    // Said once for all answers, in the description of the whole; and what HTTP itself needs.
    private static readonly string[] OnEveryAnswer =
    [
        "X-Content-Type-Options",
        "Referrer-Policy",
        "Content-Security-Policy",
        "Cache-Control",
        "Date",
        "Transfer-Encoding",
        "Content-Type",
        "Content-Length",
    ];

    private ApiDocument(OpenApiDocument document) => Parsed = document;

    public OpenApiDocument Parsed { get; }

    public IEnumerable<ApiOperation> Operations =>
        Parsed.Paths.SelectMany(path =>
            path.Value.Select(operation => new ApiOperation(
                operation.Key.ToUpperInvariant(),
                path.Key,
                operation.Value
            ))
        );

    public static async Task<ApiDocument> ReadAsync(GoReliablePlatform platform)
    {
        using var nobody = platform.Client(customer: null);
        return await ParseAsync(await nobody.GetStringAsync("/openapi/v1.json", TestContext.Current.CancellationToken));
    }

    /// <summary>Reads it where it is written, for tests without the platform.</summary>
    public static async Task<ApiDocument> ReadAsync()
    {
        using var json = new StreamReader(typeof(Telemetry).Assembly.GetManifestResourceStream("openapi.json")!);
        return await ParseAsync(await json.ReadToEndAsync(TestContext.Current.CancellationToken));
    }

    private static async Task<ApiDocument> ParseAsync(string json) =>
        new(await OpenApiDocument.FromJsonAsync(json, TestContext.Current.CancellationToken));

    /// <summary>Every operation and status that is described, as <c>GET /path 200</c>.</summary>
    /// <param name="which">Of which statuses; of all, if not given.</param>
    public IEnumerable<string> AnswersWith(Predicate<HttpStatusCode>? which = null) =>
        from operation in Operations
        from status in operation.Operation.Responses.Keys
        where which?.Invoke(Enum.Parse<HttpStatusCode>(status)) != false
        select $"{operation} {status}";

    public ApiOperation Operation(string id) => Operations.Single(operation => operation.Operation.OperationId == id);

    /// <summary>Asserts that status, type, headers and body are described for this operation.</summary>
    /// <returns>What it is: an element of <see cref="AnswersWith"/>.</returns>
    public static async Task<string> AssertDescribedAsync(ApiOperation operation, HttpResponseMessage answer)
    {
        var status = $"{(int)answer.StatusCode}";
        var name = $"{operation} {status}";
        Assert.True(
            operation.Operation.ActualResponses.TryGetValue(status, out var described),
            $"{name} is not described."
        );

        var headers = answer
            .Headers.Concat(answer.Content.Headers)
            .Where(header => !OnEveryAnswer.Contains(header.Key))
            .ToDictionary(header => header.Key, header => Assert.Single(header.Value));
        foreach (var (header, value) in headers)
        {
            Assert.True(
                described!.Headers.TryGetValue(header, out var schema),
                $"{name}: the header {header} is not described."
            );
            var json = schema!.ActualSchema.Type == JsonObjectType.Integer ? value : JsonSerializer.Serialize(value);
            Assert.True(
                schema.ActualSchema.Validate(json, SchemaType.OpenApi3).Count == 0,
                $"{name}: {header} is not as described: {value}"
            );
        }
        foreach (var (header, schema) in described!.Headers)
            Assert.True(
                headers.ContainsKey(header) || !schema.ActualParameter.IsRequired,
                $"{name}: the header {header} is described and not there."
            );

        var body = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Equal(
            $"{name}: {described.Content.Keys.Single()}",
            $"{name}: {answer.Content.Headers.ContentType?.MediaType}"
        );
        AssertValid(name, body, described.Content.Values.Single().Schema);
        return name;
    }

    /// <summary>Asserts that JSON is as described, and that all that is in it is.</summary>
    public static void AssertValid(string name, string json, JsonSchema schema)
    {
        var errors = schema.ActualSchema.Validate(json, SchemaType.OpenApi3);
        Assert.True(errors.Count == 0, $"{name}: {string.Join("; ", errors)} in {json}");
        Assert.Empty(
            Undescribed(JsonElement.Parse(json), schema.ActualSchema).Select(member => $"{name}: {member} in {json}")
        );
    }

    private static IEnumerable<string> Undescribed(JsonElement value, JsonSchema schema) =>
        value.ValueKind switch
        {
            JsonValueKind.Array => value
                .EnumerateArray()
                .SelectMany(item => Undescribed(item, schema.Item!.ActualSchema)),
            JsonValueKind.Object when schema.AdditionalPropertiesSchema is null => value
                .EnumerateObject()
                .SelectMany(member =>
                    schema.ActualProperties.TryGetValue(member.Name, out var described)
                        ? Undescribed(member.Value, described.ActualSchema)
                        : [member.Name]
                ),
            _ => [],
        };
}

/// <summary>One operation of the document.</summary>
internal sealed record ApiOperation(string Method, string Template, OpenApiOperation Operation)
{
    /// <summary>Its path for an order.</summary>
    public string Path(Guid order) => Template.Replace("{id}", $"{order}", StringComparison.Ordinal);

    public override string ToString() => $"{Method} {Template}";
}
