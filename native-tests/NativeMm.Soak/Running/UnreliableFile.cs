using NativeMm.Platform;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Running;

/// <summary>A file of pages whose writes and reads fail by chance: no room, a device that fails, half of what was asked for. Thread-safe.</summary>
/// <param name="file">The file itself.</param>
/// <param name="seed">Of what fails.</param>
/// <param name="refusedPerThousand">0 for nothing.</param>
internal sealed class UnreliableFile(IBackingFile file, ulong seed, int refusedPerThousand) : IBackingFile
{
    private const ulong Step = 0x9E3779B97F4A7C15;
    private ulong _state = seed;

    public bool IsDirect => file.IsDirect;

    public PlatformResult Write(ReadOnlySpan<nint> pages, long offset, out long written)
    {
        written = 0;
        if (!Refuses(out ulong chance))
        {
            return file.Write(pages, offset, out written);
        }

        return (chance % 3) switch
        {
            0 => new PlatformResult(ErrorNumber.NoSpace),
            1 => new PlatformResult(ErrorNumber.DeviceFailed),
            _ => file.Write(pages[..((pages.Length + 1) / 2)], offset, out written),
        };
    }

    public PlatformResult Read(nint destination, long offset, out int read)
    {
        read = 0;
        return Refuses(out _) ? new PlatformResult(ErrorNumber.DeviceFailed) : file.Read(destination, offset, out read);
    }

    public void Dispose() => file.Dispose();

    private bool Refuses(out ulong chance)
    {
        ulong mixed = Chance.Mix(Interlocked.Add(ref _state, Step));
        chance = mixed / 1000;
        return mixed % 1000 < (ulong)refusedPerThousand;
    }
}
