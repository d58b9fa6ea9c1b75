using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace GoReliable.ServiceDefaults.Problems;

/// <summary>Every error is an RFC 9457 problem document that carries its trace id.</summary>
public static class ProblemExtensions
{
    // Unless the code that answers has set another value.
    private const string RetryAfterSeconds = "1";

    internal static IServiceCollection AddProblems(this IServiceCollection services) =>
        services
            .AddProblemDetails(options =>
                options.CustomizeProblemDetails = problem =>
                {
                    problem.ProblemDetails.Extensions["traceId"] = Activity.Current?.TraceId.ToHexString()
                        ?? problem.HttpContext.TraceIdentifier;
                    // ASP.NET has none for this status.
                    if (problem.ProblemDetails.Status == StatusCodes.Status429TooManyRequests)
                        problem.ProblemDetails.Type ??= "https://tools.ietf.org/html/rfc6585#section-4";
                    if (problem.ProblemDetails.Status == StatusCodes.Status503ServiceUnavailable)
                        problem.HttpContext.Response.Headers.TryAdd("Retry-After", RetryAfterSeconds);
                }
            )
            // After ASP.NET's own writer, which is asked first.
            .AddSingleton<IProblemDetailsWriter, FallbackProblemWriter>()
            .AddExceptionHandler<FailedRequests>()
            .Configure<ExceptionHandlerOptions>(options =>
            {
                options.StatusCodeSelector = StatusCode;
                // Only unforeseen exceptions are logged with their stack traces: they are defects of ours.
                options.SuppressDiagnosticsCallback = context =>
                    StatusCode(context.Exception) != StatusCodes.Status500InternalServerError;
            });

    /// <summary>Answers a request with a problem document.</summary>
    public static ValueTask WriteProblemAsync(
        this HttpContext context,
        int status,
        string? detail,
        int? retryAfterSeconds = null
    )
    {
        context.Response.StatusCode = status;
        if (retryAfterSeconds is { } seconds)
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        return context
            .RequestServices.GetRequiredService<IProblemDetailsService>()
            .WriteAsync(
                new ProblemDetailsContext
                {
                    HttpContext = context,
                    ProblemDetails = { Status = status, Detail = detail },
                }
            );
    }

    /// <summary>The status that an unhandled exception is answered with.</summary>
    internal static int StatusCode(Exception exception) =>
        exception switch
        {
            BadHttpRequestException bad => bad.StatusCode,
            OutcomeUnknownException => StatusCodes.Status504GatewayTimeout,
            // The client may come again.
            DbException database when database.IsServerFailure() => StatusCodes.Status503ServiceUnavailable,
            TimeoutException => StatusCodes.Status503ServiceUnavailable,
            _ => StatusCodes.Status500InternalServerError,
        };
}
