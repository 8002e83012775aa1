namespace NativeMm.AddressSpaces;

/// <summary>Pinned bytes that lie together.</summary>
/// <param name="Address">Address of the first one.</param>
/// <param name="Length">How many.</param>
internal readonly record struct PinnedRun(nuint Address, int Length);
