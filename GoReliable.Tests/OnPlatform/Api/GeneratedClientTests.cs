using System.Reflection;
using GoReliable.Tests.Platform;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using NJsonSchema.CodeGeneration.CSharp;
using NSwag.CodeGeneration.CSharp;

namespace GoReliable.Tests.OnPlatform.Api;

/// <summary>What a customer's developer does with the OpenAPI document: has a client made of it, and uses it.</summary>
[Collection(SharedPlatform.Name)]
public sealed class GeneratedClientTests(SharedPlatform shared)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_client_that_is_generated_compiles_and_runs()
    {
        var document = await ApiDocument.ReadAsync(shared.Platform);
        var settings = new CSharpClientGeneratorSettings
        {
            ClassName = "OrdersApi",
            UseBaseUrl = false,
            GenerateOptionalParameters = true,
            WrapResponses = true,
            CSharpGeneratorSettings =
            {
                Namespace = "Generated",
                JsonLibrary = CSharpJsonLibrary.SystemTextJson,
                GenerateNullableReferenceTypes = true,
                GenerateOptionalPropertiesAsNullable = true,
            },
        };
        var source = new CSharpClientGenerator(document.Parsed, settings).GenerateFile();
        using var http = shared.Platform.Client($"generated-{Guid.NewGuid():N}");
        var notified = await http.CreateAsync();
        await http.WaitForNotificationsAsync(notified);
        var program = Compile(source, Program).GetType("Program")!;

        var said = await (Task<string>)program.GetMethod("RunAsync")!.Invoke(null, [http, notified])!;

        Assert.Equal(
            "pending 25.00 espresso, replayed True, confirmed 2, one confirmed, 404 There is no such order., "
                + "400 items[0].quantity, in_app",
            said
        );
    }

    // Written against the generated types, as a customer would write it.
    private const string Program = """
        using System;
        using System.Collections.Generic;
        using System.Linq;
        using System.Net.Http;
        using System.Threading.Tasks;
        using Generated;

        public static class Program
        {
            public static async Task<string> RunAsync(HttpClient http, Guid notified)
            {
                var api = new OrdersApi(http);
                var espresso = new OrderItem { Sku = "espresso", Quantity = 2, UnitPrice = 12.5m };
                var body = new NewOrder { Currency = "EUR", Items = [espresso] };
                var created = await api.CreateOrderAsync(body, idempotency_Key: "one");
                var again = await api.CreateOrderAsync(body, idempotency_Key: "one");
                var order = created.Result;
                var confirmed = (await api.ConfirmOrderAsync(order.Id, "two")).Result;
                var page = (await api.ListOrdersAsync(OrderStatus.Confirmed, 10, null)).Result;
                var total = order.Total.ToString(System.Globalization.CultureInfo.InvariantCulture);
                var said = new List<string>
                {
                    $"{order.Status.ToString().ToLowerInvariant()} {total} {order.Items.Single().Sku}",
                    $"replayed {again.Headers.ContainsKey("Idempotency-Replayed") && again.Result.Id == order.Id}",
                    $"{confirmed.Status.ToString().ToLowerInvariant()} {confirmed.Version}",
                    page.Items.Single().Id == order.Id && page.NextCursor is null ? "one confirmed" : "others",
                };
                try
                {
                    await api.GetOrderAsync(Guid.NewGuid());
                }
                catch (ApiException<Problem> missing)
                {
                    said.Add($"{missing.StatusCode} {missing.Result.Detail}");
                }
                try
                {
                    body.Items.First().Quantity = 0;
                    await api.CreateOrderAsync(body);
                }
                catch (ApiException<Problem> refused)
                {
                    said.Add($"{refused.StatusCode} {string.Join(' ', refused.Result.Errors!.Keys)}");
                }
                var told = (await api.ListNotificationsAsync(notified)).Result.Items.Single();
                said.Add(told.Channel.ToString().ToLowerInvariant());
                return string.Join(", ", said);
            }
        }
        """;

    private static Assembly Compile(params string[] sources)
    {
        var framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        var compilation = CSharpCompilation.Create(
            "Generated",
            sources.Select(source => CSharpSyntaxTree.ParseText(source)),
            ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
                .Split(Path.PathSeparator)
                .Where(path => Path.GetDirectoryName(path) == framework)
                .Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(
                OutputKind.DynamicallyLinkedLibrary,
                nullableContextOptions: NullableContextOptions.Enable
            )
        );
        using var assembly = new MemoryStream();
        var result = compilation.Emit(assembly, cancellationToken: Cancel);
        Assert.True(
            result.Success,
            string.Join('\n', result.Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error))
        );
        return Assembly.Load(assembly.ToArray());
    }
}
