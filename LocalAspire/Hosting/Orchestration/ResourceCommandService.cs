namespace Aspire.Hosting.ApplicationModel;

/// <summary>Runs commands on resources.</summary>
public class ResourceCommandService
{
    internal ResourceCommandService()
    {
    }
}
