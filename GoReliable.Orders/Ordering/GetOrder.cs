using GoReliable.ServiceDefaults.Chaos;
using GoReliable.ServiceDefaults.Identity;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;

namespace GoReliable.Orders.Ordering;

/// <summary><c>GET /api/v1/orders/{id}</c>.</summary>
internal sealed class GetOrder(NpgsqlDataSource database, TimeProvider time, ChaosSwitches chaos, Telemetry telemetry)
{
    private readonly StatementBatcher reads = new(database, time);

    public async Task<Results<Ok<Order>, ProblemHttpResult>> HandleAsync(
        Guid id,
        Customer customer,
        CancellationToken cancellationToken
    )
    {
        using var operation = telemetry.Operation("get", cancellationToken);
        var order = await FindAsync(id, customer.Id, cancellationToken);
        operation.Result = order is null ? "not_found" : "ok";
        return order is null ? Problems.NotFound : TypedResults.Ok(order);
    }

    /// <summary>The order, or null if there is none or it is another customer's.</summary>
    public async Task<Order?> FindAsync(Guid id, string customerId, CancellationToken cancellationToken)
    {
        using var query = telemetry.Query("select_order", cancellationToken);
        await chaos.Database.InjectAsync(cancellationToken);
        var order = await reads
            .ExecuteAsync(new SelectOrder(id, customerId), cancellationToken)
            .WaitAsync(cancellationToken);
        query.Succeeded();
        return order;
    }
}
