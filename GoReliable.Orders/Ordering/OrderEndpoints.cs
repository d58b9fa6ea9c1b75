using GoReliable.Database.Schema;
using GoReliable.ServiceDefaults.Configuration;
using GoReliable.ServiceDefaults.Identity;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace GoReliable.Orders.Ordering;

/// <summary>The public API of orders.</summary>
internal static class OrderEndpoints
{
    public static WebApplicationBuilder AddOrdering(this WebApplicationBuilder builder)
    {
        builder.Services.AddSettings<IdempotencyOptions>(IdempotencyOptions.Section);
        builder
            .Services.AddSettings<OrderOptions>(OrderOptions.Section)
            .Validate<IOptions<IdempotencyOptions>>(
                (orders, keys) => orders.Outlives(keys.Value),
                "Orders:Retention must be a day longer than Idempotency:Retention, or more."
            );
        builder
            .Services.AddSingleton<CreateOrder>()
            .AddSingleton<GetOrder>()
            .AddSingleton<ListOrders>()
            .AddSingleton<ChangeStatusStore>()
            .AddSingleton<ChangeStatus>();
        builder.AddExpiry<OrderOptions>("orders", OrderOptions.Expire, options => options.Retention);
        return builder.AddExpiry<IdempotencyOptions>("idempotency_keys", IdempotencyOptions.Expire, options =>
            options.Retention
        );
    }

    /// <summary>Described in openapi.json.</summary>
    public static void MapOrders(this IEndpointRouteBuilder routes)
    {
        // Made here, so after MapDefaultEndpoints: metrics that they set to zero before it would have no reader.
        var services = routes.ServiceProvider;
        var telemetry = services.GetRequiredService<Telemetry>();
        var change = services.GetRequiredService<ChangeStatus>();
        var orders = routes.MapGroup("/api/v1");
        Measure("create", orders.MapPost("/orders", services.GetRequiredService<CreateOrder>().HandleAsync))
            .RequireAuthorization(Scopes.OrdersWrite)
            .WithMetadata(new RequestSizeLimitAttribute(RequestBody.MaxBytes));
        Measure("list", orders.MapGet("/orders", services.GetRequiredService<ListOrders>().HandleAsync))
            .RequireAuthorization(Scopes.OrdersRead);
        Measure("get", orders.MapGet("/orders/{id:guid}", services.GetRequiredService<GetOrder>().HandleAsync))
            .RequireAuthorization(Scopes.OrdersRead);
        Measure("confirm", orders.MapPost("/orders/{id:guid}/confirm", change.ConfirmAsync))
            .RequireAuthorization(Scopes.OrdersWrite);
        Measure("cancel", orders.MapPost("/orders/{id:guid}/cancel", change.CancelAsync))
            .RequireAuthorization(Scopes.OrdersWrite);

        RouteHandlerBuilder Measure(string operation, RouteHandlerBuilder endpoint) =>
            endpoint.AddEndpointFilter(new OperationFilter(operation, telemetry));
    }
}
