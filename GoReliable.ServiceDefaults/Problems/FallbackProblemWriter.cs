using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace GoReliable.ServiceDefaults.Problems;

/// <summary>
/// Writes the problem document also to a client that did not ask for JSON. ASP.NET's own writer declines then: a
/// browser would get a line of plain text, and an exception would go on to Kestrel, which answers 500 with nothing.
/// </summary>
internal sealed class FallbackProblemWriter(IOptions<ProblemDetailsOptions> options) : IProblemDetailsWriter
{
    public bool CanWrite(ProblemDetailsContext context) => true;

    public ValueTask WriteAsync(ProblemDetailsContext context)
    {
        // Fills in type and title for the status.
        _ = TypedResults.Problem(context.ProblemDetails);
        options.Value.CustomizeProblemDetails?.Invoke(context);
        return new(
            context.HttpContext.Response.WriteAsJsonAsync(
                context.ProblemDetails,
                options: null,
                "application/problem+json"
            )
        );
    }
}
