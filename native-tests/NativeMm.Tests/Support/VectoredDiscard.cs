using NativeMm.Platform;

namespace NativeMm.Tests.Support;

/// <summary>What a test makes of a vectored discard.</summary>
/// <param name="inner">The platform below, for what is to happen really.</param>
/// <param name="ranges">The ranges of the call.</param>
/// <param name="mode">Its mode.</param>
internal delegate PlatformResult VectoredDiscard(IMemoryPlatform inner, ReadOnlySpan<AddressRange> ranges, DiscardMode mode);
