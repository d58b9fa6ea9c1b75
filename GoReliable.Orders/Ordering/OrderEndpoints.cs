using GoReliable.ServiceDefaults.Identity;
using Microsoft.AspNetCore.Mvc;
using GoReliable.ServiceDefaults.Schema;
using Microsoft.Extensions.Options;

namespace GoReliable.Orders.Ordering;

/// <summary>The public API of orders.</summary>
internal static class OrderEndpoints
{
    public static WebApplicationBuilder AddOrdering(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<IdempotencyOptions>().BindConfiguration(IdempotencyOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services
            .AddSingleton<CreateOrder>()
            .AddSingleton<GetOrder>()
            .AddSingleton<ListOrders>()
            .AddSingleton<ChangeStatus>();
        return builder.AddExpiry("idempotency_keys", IdempotencyOptions.Expire, services => services.GetRequiredService<IOptionsMonitor<IdempotencyOptions>>().CurrentValue.Retention);
    }

    public static void MapOrders(this IEndpointRouteBuilder routes)
    {
        var orders = routes.MapGroup("/api/v1").WithTags("Orders")
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status403Forbidden);

        orders.MapPost("/orders", CreateOrder.HandleAsync).WithName("createOrder").RequireAuthorization(Scopes.OrdersWrite)
            .WithSummary("Creates an order; with an Idempotency-Key, once.")
            .WithMetadata(new RequestSizeLimitAttribute(RequestBody.MaxBytes))
            .Accepts<CreateOrderRequest>("application/json")
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status415UnsupportedMediaType)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity);
        orders.MapGet("/orders", ListOrders.HandleAsync).WithName("listOrders").RequireAuthorization(Scopes.OrdersRead)
            .WithSummary("Lists the caller's orders, newest first.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
        orders.MapGet("/orders/{id:guid}", GetOrder.HandleAsync).WithName("getOrder").RequireAuthorization(Scopes.OrdersRead)
            .WithSummary("Reads one order.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        orders.MapPost("/orders/{id:guid}/confirm", ChangeStatus.ConfirmAsync).WithName("confirmOrder").RequireAuthorization(Scopes.OrdersWrite)
            .WithSummary("Confirms a pending order.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);
        orders.MapPost("/orders/{id:guid}/cancel", ChangeStatus.CancelAsync).WithName("cancelOrder").RequireAuthorization(Scopes.OrdersWrite)
            .WithSummary("Cancels a pending or confirmed order.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);
    }
}
