using System.Text.RegularExpressions;

namespace GoReliable.Notifications;

/// <summary>Who asks. Until there is authentication, whoever the header says.</summary>
/// <param name="Id">Valid once <see cref="RequireAsync"/> let the request pass.</param>
internal sealed partial record Customer(string Id)
{
    private const string Header = "X-Customer-Id";

    public static ValueTask<Customer> BindAsync(HttpContext context) => ValueTask.FromResult(new Customer(context.Request.Headers[Header].ToString()));

    /// <summary>An endpoint filter: 401 without a customer, 400 with one that cannot be.</summary>
    public static ValueTask<object?> RequireAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var id = context.HttpContext.Request.Headers[Header].ToString();
        if (id.Length == 0)
            return ValueTask.FromResult<object?>(TypedResults.Problem($"The header {Header} is missing.", statusCode: StatusCodes.Status401Unauthorized));
        if (!Valid().IsMatch(id))
            return ValueTask.FromResult<object?>(TypedResults.Problem($"The header {Header} is not a customer id.", statusCode: StatusCodes.Status400BadRequest));
        return next(context);
    }

    [GeneratedRegex(@"\A[A-Za-z0-9._-]{1,64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Valid();
}
