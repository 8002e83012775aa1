using System.Runtime.CompilerServices;

namespace NativeMm.Platform;

/// <summary>
/// Puts <see cref="GuardFaultCode"/> before whoever handles SIGSEGV now, which in a .NET process is the runtime: its null references go on as
/// before. Code and map stay for the life of the process, since somebody who came later may remember the handler.
/// </summary>
internal static unsafe class GuardFaultHandler
{
    /// <summary>Installs the handler for one range. Once a process.</summary>
    /// <param name="map">The range; <see cref="GuardMap.Next"/> is filled in here.</param>
    /// <param name="pageBytes">Bytes of a page.</param>
    /// <returns>A failure where the system has no such signals, or refuses executable memory; then faults go without their text.</returns>
    public static PlatformResult Install(GuardMap map, nuint pageBytes)
    {
        ReadOnlySpan<byte> code = GuardFaultCode.ForProcess(out int mapOffset, out int fallbackOffset);
        if (!SystemPlatform.IsLinux || code.IsEmpty)
        {
            return new PlatformResult(ErrorNumber.NotImplemented);
        }

        const int Flags = LibC.MapPrivate | LibC.MapAnonymous;
        nint pages = LibC.Map(0, pageBytes * 2, LibC.ProtReadWrite, Flags, -1, 0);
        if (pages == LibC.MapFailed)
        {
            return LibC.LastError();
        }

        var entry = (byte*)pages;
        var mapCopy = (GuardMap*)(entry + pageBytes);
        code.CopyTo(new Span<byte>(entry, code.Length));
        Unsafe.WriteUnaligned(entry + mapOffset, (nuint)mapCopy);
        *mapCopy = map;
        PlatformResult result = LibC.ResultOf(LibC.Protect((nuint)entry, pageBytes, LibC.ProtReadExecute));
        result = result.Succeeded ? Chain((nuint)entry, mapCopy, (nuint)(entry + fallbackOffset)) : result;
        if (!result.Succeeded)
        {
            _ = LibC.Unmap((nuint)entry, pageBytes * 2);
        }

        return result;
    }

    private static PlatformResult Chain(nuint entry, GuardMap* map, nuint fallback)
    {
        SignalAction previous = default;
        PlatformResult result = LibC.ResultOf(LibC.SignalAction(SignalAction.SegmentationFault, null, &previous));
        if (!result.Succeeded)
        {
            return result;
        }

        bool alone = previous.Handler is SignalAction.Default or SignalAction.Ignore;
        SignalAction mine = previous;
        mine.Handler = entry;
        mine.Flags |= SignalAction.WithDetails | SignalAction.OnSignalStack | (alone ? SignalAction.Once : 0);
        map->Next = alone ? fallback : previous.Handler;
        return LibC.ResultOf(LibC.SignalAction(SignalAction.SegmentationFault, &mine, null));
    }
}
