using NativeMm.Lab.Experiments.Faults;
using NativeMm.Lab.Harness;
using NativeMm.Platform;

namespace NativeMm.Lab.Baselines.Faults;

/// <summary>The operating system itself: a mapping of its own for each area, and its faults.</summary>
internal sealed unsafe class KernelSpace : SpaceUnderTest
{
    private const nuint HugeBytes = 2 << 20;
    private readonly IMemoryPlatform _platform = SystemPlatform.Current;

    /// <inheritdoc/>
    public override long Map(long bytes, bool isHuge)
    {
        PlatformResult result = _platform.Reserve((nuint)bytes, isHuge ? HugeBytes : _platform.PageBytes, out nuint address);
        if (!result.Succeeded)
        {
            throw new OutOfMemoryException($"The system refuses {bytes} bytes: {result}.");
        }

        if (isHuge)
        {
            _ = _platform.AdviseHugePages(address, (nuint)bytes, enabled: true);
        }

        return (long)address;
    }

    /// <inheritdoc/>
    public override void Unmap(long address, long bytes) => _platform.Release((nuint)address, (nuint)bytes);

    /// <inheritdoc/>
    public override void Protect(long address, long bytes, bool isWritable) => _platform.Protect((nuint)address, (nuint)bytes, isWritable);

    /// <inheritdoc/>
    public override void Touch(long address, int thread) => *(byte*)address = 1;

    /// <inheritdoc/>
    public override void AddTo(Measurement measurement)
    {
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
    }
}
