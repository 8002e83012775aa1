namespace NativeMm.Tests.Support;

/// <summary>The calls of IMemoryPlatform.</summary>
public enum PlatformCall
{
    Reserve,
    Release,
    Resize,
    Commit,
    Discard,
    DiscardMany,
    AdviseHugePages,
    Protect,
    CountResident,
    CreateMemoryFile,
    CloseFile,
    MapFile,
    Unmap,
    PunchHole,
    Revoke,
    InstallGuard,
    Open,
}
