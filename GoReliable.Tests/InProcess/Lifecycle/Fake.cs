using System.Reflection;

namespace GoReliable.Tests.InProcess.Lifecycle;

/// <summary>An interface whose calls one function answers. Public and not sealed, as a proxy must be.</summary>
public class Fake : DispatchProxy
{
    private Func<string, object?[], object?> answer = null!;

    /// <param name="answer">Gets the name of the method and its arguments.</param>
    public static T Of<T>(Func<string, object?[], object?> answer)
        where T : class
    {
        var fake = Create<T, Fake>();
        ((Fake)(object)fake).answer = answer;
        return fake;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
        answer(targetMethod!.Name, args ?? []);
}
