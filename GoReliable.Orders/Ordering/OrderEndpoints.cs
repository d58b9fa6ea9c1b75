namespace GoReliable.Orders.Ordering;

/// <summary>The public API of orders.</summary>
internal static class OrderEndpoints
{
    public static IServiceCollection AddOrdering(this IServiceCollection services) => services
        .AddSingleton<CreateOrder>()
        .AddSingleton<GetOrder>()
        .AddSingleton<ListOrders>()
        .AddSingleton<ChangeStatus>();

    public static void MapOrders(this IEndpointRouteBuilder routes)
    {
        var orders = routes.MapGroup("/api/v1/orders").RequireAuthorization().WithTags("Orders");

        orders.MapPost("/", CreateOrder.HandleAsync).WithName("createOrder")
            .WithSummary("Creates an order; with an Idempotency-Key, once.")
            .Accepts<CreateOrderRequest>("application/json")
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status415UnsupportedMediaType)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity);
        orders.MapGet("/", ListOrders.HandleAsync).WithName("listOrders")
            .WithSummary("Lists the caller's orders, newest first.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
        orders.MapGet("/{id:guid}", GetOrder.HandleAsync).WithName("getOrder")
            .WithSummary("Reads one order.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        orders.MapPost("/{id:guid}/confirm", ChangeStatus.ConfirmAsync).WithName("confirmOrder")
            .WithSummary("Confirms a pending order.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);
        orders.MapPost("/{id:guid}/cancel", ChangeStatus.CancelAsync).WithName("cancelOrder")
            .WithSummary("Cancels a pending or confirmed order.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);
    }
}
