namespace Aspire.Hosting;

/// <summary>What the AppHost was started for.</summary>
public enum DistributedApplicationOperation
{
    /// <summary>Run the application on this machine.</summary>
    Run,

    /// <summary>Write what a deployment tool needs.</summary>
    Publish,
}

/// <summary>What the AppHost was started for, and its services.</summary>
public class DistributedApplicationExecutionContext(DistributedApplicationOperation operation, string publisherName)
{
    private IServiceProvider? _services;

    /// <summary>Creates the context; the publisher is <c>manifest</c>.</summary>
    public DistributedApplicationExecutionContext(DistributedApplicationOperation operation) : this(operation, "manifest")
    {
    }

    /// <summary>The publisher's name.</summary>
    public string PublisherName { get; set; } = publisherName;

    /// <summary>Run or publish.</summary>
    public DistributedApplicationOperation Operation { get; } = operation;

    /// <summary>The services of the application, once it is built.</summary>
    public IServiceProvider Services
    {
        get => _services ?? throw new InvalidOperationException("The application is not built yet.");
        internal set => _services = value;
    }

    /// <summary>Whether it is published.</summary>
    public bool IsPublishMode => Operation == DistributedApplicationOperation.Publish;

    /// <summary>Whether it runs.</summary>
    public bool IsRunMode => Operation == DistributedApplicationOperation.Run;
}
