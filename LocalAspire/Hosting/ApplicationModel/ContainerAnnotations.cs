namespace Aspire.Hosting.ApplicationModel;

/// <summary>The image of a container.</summary>
public sealed class ContainerImageAnnotation : IResourceAnnotation
{
    private string? _tag;
    private string? _sha256;

    /// <summary>The registry, when given apart from the image.</summary>
    public string? Registry { get; set; }

    /// <summary>The image, without tag.</summary>
    public required string Image { get; set; }

    /// <summary>The tag; excludes <see cref="SHA256"/>.</summary>
    public string? Tag
    {
        get => _tag;
        set => (_tag, _sha256) = (value, null);
    }

    /// <summary>The digest; excludes <see cref="Tag"/>.</summary>
    public string? SHA256
    {
        get => _sha256;
        set => (_sha256, _tag) = (value, null);
    }
}

/// <summary>What a mount's source is.</summary>
public enum ContainerMountType
{
    /// <summary>A path of the host.</summary>
    BindMount,

    /// <summary>A named store.</summary>
    Volume,
}

/// <summary>A file, directory or volume that a container sees.</summary>
public sealed class ContainerMountAnnotation(string? source, string target, ContainerMountType type, bool isReadOnly) : IResourceAnnotation
{
    /// <summary>A rooted path, a volume's name, or null for a volume without name.</summary>
    public string? Source { get; } = source;

    /// <summary>The path inside the container.</summary>
    public string Target { get; } = target;

    /// <summary>What <see cref="Source"/> is.</summary>
    public ContainerMountType Type { get; } = type;

    /// <summary>Whether the container may not write.</summary>
    public bool IsReadOnly { get; } = isReadOnly;
}
