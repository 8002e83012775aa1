namespace NativeMm.Frames;

/// <summary>What the memory of a zone is made of.</summary>
public enum ZoneKind
{
    /// <summary>Private anonymous memory, committed by the operating system when it is touched.</summary>
    Normal,

    /// <summary>A memory file mapped shared, so that a frame can appear at more than one address (Linux).</summary>
    Mappable,
}
