using GoReliable.Database;
using GoReliable.ServiceDefaults.Chaos;
using GoReliable.ServiceDefaults.Identity;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;

namespace GoReliable.Orders.Ordering;

/// <summary><c>GET /api/v1/orders/{id}</c>.</summary>
internal sealed class GetOrder(NpgsqlDataSource database, ChaosSwitches chaos, Telemetry telemetry)
{
    private const string Select = $"""
        -- SELECT order
        SELECT {Order.Columns} FROM orders o WHERE o.id = $1 AND o.customer_id = $2
        """;

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
        await using var command = database.CreateCommand(Select);
        command.Parameters.AddValue(id);
        command.Parameters.AddValue(customerId);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var order = await row.ReadAsync(cancellationToken) ? Order.Read(row) : null;
        query.Succeeded();
        return order;
    }
}
