using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using NativeMm.Primitives;
using NativeMm.Teardown;

namespace NativeMm.Buffers;

/// <content>Giving everything back in the background.</content>
public sealed unsafe partial class Arena
{
    private ArenaRelease? _release;
    private Task? _releaseTask;

    /// <summary>
    /// Ends the arena as <see cref="Dispose()"/> does, and gives its memory back to the heap in the background: what is decided is decided when this returns, in a time that
    /// does not depend on how large the chunks are.
    /// </summary>
    /// <returns>Ends when the heap has all of it.</returns>
    [SuppressMessage("Usage", "CA1816", Justification = "A release that is stopped and then forgotten is what the finalizer is for; it is not wanted any more when all is back.")]
    public ValueTask DisposeAsync() => new(DisposeAsync(progress: null));

    /// <summary><see cref="DisposeAsync()"/>, observed and stoppable.</summary>
    /// <param name="progress">Is told how far it is, about once a step time, on a thread of the release; null for nobody. In there another end of the arena does not wait.</param>
    /// <param name="cancellationToken">
    /// Stops the release between two chunks; before the begin, nothing is done. The arena has ended all the same, and what is left goes with the next call of this or
    /// of <see cref="Dispose()"/>, or by the finalizer.
    /// </param>
    /// <returns>Ends when the heap has all of it. It fails by what the checked mode found, or the progress threw; the memory went back before.</returns>
    public Task DisposeAsync(IProgress<TeardownProgress>? progress, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled(cancellationToken);
        }

        if (_release is { } begun)
        {
            if (begun.Phase != JobPhase.Abandoned)
            {
                return _releaseTask is { IsCanceled: false } task ? task : Task.CompletedTask;
            }

            var again = new ReleaseEnd(begun, progress, cancellationToken);
            begun.BeginAgain();
            return _releaseTask = again.Begin();
        }

        if (_disposed || _heap.IsDisposed || _heap.Pages is not { } pages || !pages.IsWorth(ReservedBytes()))
        {
            Dispose();
            return Task.CompletedTask;
        }

        // All that takes managed memory comes first.
        pages.Prepare();
        var release = new ArenaRelease(this, pages.Workers, _heap);
        var end = new ReleaseEnd(release, progress, cancellationToken);
        _disposed = true;
        _marks.Clear();
        Forget();
        _release = release;
        release.Begin(_chunks.Count, ReservedBytes());
        return _releaseTask = end.Begin();
    }

    /// <summary>Bytes of a chunk that was not given back yet; 0 otherwise.</summary>
    internal nuint ChunkBytes(int index) => _chunks[index].Bytes;

    /// <summary>Gives a chunk back, of an arena that nobody uses any more. Any thread may, each for other chunks.</summary>
    /// <returns>Its length.</returns>
    internal nuint FreeChunk(int index)
    {
        ref ArenaChunk chunk = ref CollectionsMarshal.AsSpan(_chunks)[index];
        (nuint address, nuint bytes) = (chunk.Address, chunk.Bytes);
        chunk = default;
        HeapBlock.FreeInBackground(_heap, address);
        return bytes;
    }

    /// <summary>All chunks are back, and the finalizer has nothing to do.</summary>
    [SuppressMessage("Usage", "CA1816", Justification = "A release that is stopped and then forgotten is what the finalizer is for; it is not wanted any more when all is back.")]
    internal void NoteReleased()
    {
        _chunks.Clear();
        GC.SuppressFinalize(this);
    }

    private ulong ReservedBytes()
    {
        ulong bytes = 0;
        foreach (ArenaChunk chunk in _chunks)
        {
            bytes += chunk.Bytes;
        }

        return bytes;
    }
}
