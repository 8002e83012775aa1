namespace NativeMm.Tests.Unit.Frames;

/// <summary>The implementations of the contract that all shared tests run over.</summary>
public enum FrameVariant
{
    LockFree,
    LockFreeOneCore,
    LockFreeCached,
    Buddy,
    BuddyUncached,
    BuddyCached,
}
