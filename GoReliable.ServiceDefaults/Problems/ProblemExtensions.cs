using System.Data.Common;
using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace GoReliable.ServiceDefaults.Problems;

/// <summary>Every error is an RFC 9457 problem document that carries its trace id.</summary>
public static class ProblemExtensions
{
    internal static IServiceCollection AddProblems(this IServiceCollection services) => services
        .AddProblemDetails(options => options.CustomizeProblemDetails = problem =>
            problem.ProblemDetails.Extensions["traceId"] = Activity.Current?.TraceId.ToHexString() ?? problem.HttpContext.TraceIdentifier)
        // After ASP.NET's own writer, which is asked first.
        .AddSingleton<IProblemDetailsWriter, ProblemForAnyone>()
        .Configure<ExceptionHandlerOptions>(options => options.StatusCodeSelector = StatusCode);

    /// <summary>The status that an unhandled exception is answered with.</summary>
    private static int StatusCode(Exception exception) => exception switch
    {
        BadHttpRequestException bad => bad.StatusCode,
        // The database is away, restarting or full: the client may come again.
        DbException or TimeoutException => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status500InternalServerError,
    };
}
