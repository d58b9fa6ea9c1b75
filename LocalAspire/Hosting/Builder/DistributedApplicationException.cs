namespace Aspire.Hosting;

/// <summary>Something is wrong with the application or with the machine that it runs on; the message says what.</summary>
public class DistributedApplicationException : Exception
{
    /// <summary>Creates the exception.</summary>
    public DistributedApplicationException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public DistributedApplicationException(string message) : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    public DistributedApplicationException(string message, Exception inner) : base(message, inner)
    {
    }
}

/// <summary>A parameter has neither a configured value nor a default.</summary>
public class MissingParameterValueException(string message) : DistributedApplicationException(message);
