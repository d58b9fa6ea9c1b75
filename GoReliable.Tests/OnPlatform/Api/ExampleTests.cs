using System.Net;
using System.Text.Json;
using GoReliable.Gateway.Routing;
using GoReliable.Tests.Platform;
using NJsonSchema;
using NSwag;

namespace GoReliable.Tests.OnPlatform.Api;

/// <summary>Each example of the OpenAPI document works, and each route is in it.</summary>
[Collection(SharedPlatform.Name)]
public sealed class ExampleTests(SharedPlatform shared) : IAsyncLifetime
{
    private const string Json = "application/json";

    private readonly HttpClient alice = shared.Platform.Client($"alice-{Guid.NewGuid():N}");
    private ApiDocument document = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => document = await ApiDocument.ReadAsync(shared.Platform);

    public ValueTask DisposeAsync()
    {
        alice.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public void Every_route_is_described_and_every_described_route_exists() =>
        Assert.Equal(
            Routes
                .All.Where(route => route.Template.StartsWith("/api/", StringComparison.Ordinal))
                .Select(route => route.Id)
                .Order(StringComparer.Ordinal),
            document.Operations.Select(operation => $"{operation}").Order(StringComparer.Ordinal)
        );

    [Fact]
    public void Every_operation_wants_a_bearer_token()
    {
        var scheme = Assert.Single(Assert.Single(document.Parsed.Security).Keys);
        Assert.Equal("bearer", document.Parsed.SecurityDefinitions[scheme].Scheme);
        Assert.All(document.Operations, operation => Assert.Null(operation.Operation.Security));
    }

    [Fact]
    public async Task Every_example_of_a_body_is_an_order()
    {
        var create = document.Operation("createOrder");
        var body = create.Operation.RequestBody!.Content[Json];
        Assert.NotEmpty(body.Examples);
        foreach (var (name, example) in body.Examples)
        {
            var json = $"{example.Value}";
            ApiDocument.AssertValid(name, json, body.Schema!);
            using var answer = await alice.PostRawAsync(json);
            Assert.Equal($"{create} 201", await ApiDocument.AssertDescribedAsync(create, answer));
        }
    }

    [Fact]
    public async Task Every_example_of_a_parameter_works()
    {
        foreach (var operation in document.Operations)
        {
            foreach (var parameter in operation.Operation.ActualParameters)
            {
                if (parameter.Kind == OpenApiParameterKind.Body)
                    continue;
                var example = $"{parameter.Example}";
                Assert.False(example.Length == 0, $"{operation}: {parameter.Name} has no example.");
                var isNumber = parameter.ActualSchema.Type == JsonObjectType.Integer;
                ApiDocument.AssertValid(
                    $"{operation} {parameter.Name}",
                    isNumber ? example : JsonSerializer.Serialize(example),
                    parameter.ActualSchema
                );
                await AssertWorksAsync(operation, parameter, example);
            }
        }
    }

    private async Task AssertWorksAsync(ApiOperation operation, OpenApiParameter parameter, string example)
    {
        // A new customer for each example, so that idempotency keys do not collide. No order has the id of the example,
        // so the path gets the id of a real order.
        using var customer = shared.Platform.Client($"example-{Guid.NewGuid():N}");
        var path = operation.Path(await customer.CreateAsync());
        if (parameter.Kind == OpenApiParameterKind.Query)
            path += $"?{parameter.Name}={example}";
        using var request = new HttpRequestMessage(new(operation.Method), path);
        if (parameter.Kind == OpenApiParameterKind.Header)
            request.Headers.Add(parameter.Name, example);
        if (operation.Operation.RequestBody is { } body)
            request.Content = new StringContent($"{body.Content[Json].Examples.First().Value.Value}", null, Json);

        using var answer = await customer.SendAsync(request, Cancel);
        Assert.True(
            answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created,
            $"{operation}: {parameter.Name}={example} is answered with {answer.StatusCode}."
        );
        await ApiDocument.AssertDescribedAsync(operation, answer);
    }

    [Fact]
    public void Every_example_of_an_answer_is_as_its_schema_says()
    {
        foreach (var operation in document.Operations)
        {
            foreach (var (status, response) in operation.Operation.ActualResponses)
            {
                var content = response.Content.Values.Single();
                string[] examples =
                [
                    .. content.Examples.Values.Select(example => $"{example.Value}"),
                    .. content.Example is null ? [] : new[] { $"{content.Example}" },
                ];
                Assert.NotEmpty(examples);
                Assert.All(examples, example =>
                    ApiDocument.AssertValid($"{operation} {status}", example, content.Schema!)
                );
            }
        }
    }
}
