namespace NativeMm.Tests.Faulty.Reporting;

/// <summary>How a device fails.</summary>
public enum DeviceFailure
{
    /// <summary>It throws.</summary>
    Throws,

    /// <summary>It says that it could not do its work.</summary>
    Unknown,

    /// <summary>It returns a value without a name.</summary>
    Nonsense,
}
