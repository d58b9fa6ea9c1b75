using System.Text.Json;
using System.Text.Json.Serialization;
using Npgsql;
using NpgsqlTypes;
using Yarp.ReverseProxy.Configuration;

// What bench/compare holds the platform against: the least that .NET needs for an order's way. The same program is the
// gateway (given "Orders", where to forward to) and the service behind it (given the connection string "orders-db").
var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.ClearProviders();

if (builder.Configuration["Orders"] is { } address)
{
    builder
        .Services.AddReverseProxy()
        .LoadFromMemory(
            [
                new RouteConfig
                {
                    RouteId = "orders",
                    ClusterId = "orders",
                    Match = new RouteMatch { Path = "/api/v1/orders/{**rest}" },
                },
            ],
            [
                new ClusterConfig
                {
                    ClusterId = "orders",
                    Destinations = new Dictionary<string, DestinationConfig> { ["only"] = new() { Address = address } },
                },
            ]
        );
    var gateway = builder.Build();
    gateway.MapReverseProxy();
    await gateway.RunAsync();
    return;
}

builder.Services.AddNpgsqlDataSource(builder.Configuration.GetConnectionString("orders-db")!);
builder.Services.ConfigureHttpJsonOptions(json =>
    json.SerializerOptions.TypeInfoResolverChain.Insert(0, BareJson.Default)
);
var app = builder.Build();
var database = app.Services.GetRequiredService<NpgsqlDataSource>();
await using (
    var schema = database.CreateCommand(
        "CREATE TABLE orders (id uuid PRIMARY KEY, currency text NOT NULL, items jsonb NOT NULL, "
            + "created_at timestamptz NOT NULL)"
    )
)
{
    await schema.ExecuteNonQueryAsync();
}

app.MapPost("/api/v1/orders", async (NewOrder wanted) =>
{
    var order = new Order(Guid.CreateVersion7(), wanted.Currency, wanted.Items, DateTime.UtcNow);
    await using var insert = database.CreateCommand(
        "INSERT INTO orders (id, currency, items, created_at) VALUES ($1, $2, $3, $4)"
    );
    insert.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = order.Id });
    insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = order.Currency });
    var items = JsonSerializer.SerializeToUtf8Bytes(order.Items, BareJson.Default.ItemArray);
    insert.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = items, NpgsqlDbType = NpgsqlDbType.Jsonb });
    insert.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = order.CreatedAt });
    await insert.ExecuteNonQueryAsync();
    return Results.Created($"/api/v1/orders/{order.Id}", order);
});

app.MapGet("/api/v1/orders/{id:guid}", async (Guid id) =>
{
    await using var select = database.CreateCommand("SELECT currency, items, created_at FROM orders WHERE id = $1");
    select.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
    await using var row = await select.ExecuteReaderAsync();
    if (!await row.ReadAsync())
        return Results.NotFound();
    var items = JsonSerializer.Deserialize(row.GetFieldValue<byte[]>(1), BareJson.Default.ItemArray)!;
    return Results.Ok(new Order(id, row.GetString(0), items, row.GetDateTime(2)));
});

await app.RunAsync();

internal sealed record Item(string Sku, int Quantity, decimal UnitPrice);

internal sealed record NewOrder(string Currency, Item[] Items);

internal sealed record Order(Guid Id, string Currency, Item[] Items, DateTime CreatedAt);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(NewOrder))]
[JsonSerializable(typeof(Order))]
[JsonSerializable(typeof(Item[]))]
internal sealed partial class BareJson : JsonSerializerContext;
