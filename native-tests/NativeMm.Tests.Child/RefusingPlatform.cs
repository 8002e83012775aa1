using NativeMm.Platform;

namespace NativeMm.Tests.Child;

/// <summary>A system as others are: without guards, or with a full table of mappings.</summary>
internal sealed class RefusingPlatform() : ForwardingPlatform(SystemPlatform.Current)
{
    /// <summary>Whether guards are unknown, as to Linux before 6.15.</summary>
    public bool HasNoGuards { get; set; }

    /// <summary>Whether nothing can be cut out of a mapping, because the table of mappings is full.</summary>
    public bool IsFull { get; set; }

    public override PlatformResult Revoke(nuint address, nuint bytes) =>
        IsFull ? new PlatformResult(ErrorNumber.OutOfMemory) : base.Revoke(address, bytes);

    public override PlatformResult InstallGuard(nuint address, nuint bytes) =>
        HasNoGuards ? new PlatformResult(ErrorNumber.Invalid) : base.InstallGuard(address, bytes);
}
