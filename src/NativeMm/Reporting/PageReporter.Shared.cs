using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Reporting;

/// <content>The part of a pass that several threads make, where so much is free that one of them would be long.</content>
public sealed partial class PageReporter
{
    /// <summary>Most blocks of a step where nobody helps. The steps of all threads together never have more blocks isolated than a call of one thread.</summary>
    private const int SharedBlocksMax = Capacity / 2;

    /// <summary>Who has the blocks of a pass discarded by several threads, or null: a device of the program's own is called by one thread at a time.</summary>
    private IPageRelease? HelpersOf(IReportingDevice device) => Options.Blocks >= Order.Huge ? (device as MadviseDevice)?.Helpers : null;

    /// <summary>
    /// Reports the blocks of <see cref="PageReporterOptions.BlockOrder"/> and more by several threads, until none is left, or little is free, somebody waits, or the device is
    /// taken away or fails. Smaller pieces, and what is left, are the caller's.
    /// </summary>
    /// <param name="device">Whom to tell.</param>
    /// <param name="helpers">Who makes the steps.</param>
    /// <param name="registration">The device's registration.</param>
    /// <param name="pressureRequests">The requests when the pass began.</param>
    /// <param name="frames">Frames that the operating system may have held.</param>
    /// <returns>Whether the pass goes on.</returns>
    private bool TryReportShared(IReportingDevice device, IPageRelease helpers, uint registration, uint pressureRequests, out ulong frames)
    {
        frames = 0;
        ulong bytes = _frames.Sample().UnreportedFrames << Pfn.FrameShift;
        if (!helpers.IsWorth(bytes))
        {
            return true;
        }

        Invariant.Assert(IsReportingHere && !IsIsolating, "A pass is shared without the pass lock, or while blocks are out.");
        var pass = new SharedPass(this, device, registration, pressureRequests);
        Order blocks = Larger(Options.Blocks, device.SmallestOrder);
        _frames.Begin(blocks, blocks, restart: true);
        try
        {
            helpers.TryShare(pass, bytes);
        }
        finally
        {
            frames = pass.Frames;
            if (pass.Failures != 0)
            {
                NoteFailure(device, pass.FailureMessage, pass.FailedBlocks);
                Atomic.StoreRelease(ref _deviceFailures, _deviceFailures + pass.Failures - 1);
            }

            _frames.Begin(blocks, Larger(Options.Pieces, device.SmallestOrder), restart: true);
        }

        Invariant.Assert(!IsIsolating, "The part of a pass that is shared ends while a thread has blocks out.");
        return pass.Failures == 0;
    }

    /// <summary>
    /// The steps: each takes a few blocks out under the lock of the walk, has them discarded under none, and puts them back. So the blocks of a step are nobody else's, and a
    /// thread that is stopped in the middle holds up nobody but those who wait for its blocks.
    /// </summary>
    private sealed class SharedPass(PageReporter reporter, IReportingDevice device, uint registration, uint pressureRequests) : IStepwiseWork
    {
        // Over the walk, and over all that is counted.
        private SleepLock _lock;
        private ulong _spare;
        private int _isOver;
        private Exception? _thrown;

        /// <inheritdoc/>
        public bool IsOver => Atomic.LoadAcquire(in _isOver) != 0;

        /// <summary>Frames that the operating system may have held of what was reported.</summary>
        public ulong Frames { get; private set; }

        /// <summary>Calls of the device that failed.</summary>
        public int Failures { get; private set; }

        /// <summary>Blocks of the last of them.</summary>
        public int FailedBlocks { get; private set; }

        /// <summary>What it said.</summary>
        public string FailureMessage => _thrown is { } thrown ? FailureText.Of(thrown) : DeviceRefused;

        /// <inheritdoc/>
        public ulong Step(int threadsMax)
        {
            Span<FrameRange> ranges = stackalloc FrameRange[SharedBlocksMax];
            try
            {
                return Report(ranges[..Math.Max(1, SharedBlocksMax / threadsMax)]) << Pfn.FrameShift;
            }
            catch
            {
                End();
                throw;
            }
        }

        private void End() => Atomic.StoreRelease(ref _isOver, 1);

        private ulong Report(Span<FrameRange> ranges)
        {
            FrameContent content = FrameContent.Unknown;
            int count = 0;
            ulong held = 0;
            Atomic.Add(ref reporter._isolating, 1); // [R2]
            try
            {
                count = Isolate(ranges, out held);
                if (count != 0)
                {
                    content = Tell(ranges[..count]);
                }
            }
            finally
            {
                reporter.PutBack(ranges[..count], content);
            }

            return count != 0 ? Note(count, held, content) : 0;
        }

        private int Isolate(Span<FrameRange> ranges, out ulong held)
        {
            int count = 0;
            held = 0;
            using (_lock.EnterScope())
            {
                if (MayGoOn((ulong)ranges.Length << reporter.Options.BlockOrder))
                {
                    count = reporter._frames.Isolate(ranges, ulong.MaxValue, _spare);
                    held = reporter.NoteIsolated(ranges[..count]);
                    Invariant.Assert(CountFrames(ranges[..count]) <= _spare, $"A step took {CountFrames(ranges[..count])} frames, and {_spare} were to spare.");
                    _spare -= CountFrames(ranges[..count]);
                }
            }

            if (count == 0)
            {
                End();
            }

            return count;
        }

        /// <summary>What is counted once lasts for several steps: what they put back is not counted again, so at no moment more is missing than was free beyond the reserve.</summary>
        private bool MayGoOn(ulong framesWanted)
        {
            Invariant.Assert(_lock.IsHeldByCurrentThread && reporter.IsIsolating, "A thread of a pass looks for blocks without the lock of the walk, or before it said so.");
            if (IsOver || Atomic.LoadAcquire(ref reporter._registration) != registration // [R1]
                || Atomic.LoadAcquire(ref reporter._pressureRequests) != pressureRequests)
            {
                return false;
            }

            if (_spare < framesWanted)
            {
                _spare = reporter.CountSpare();
            }

            return _spare != 0;
        }

        [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A device must not be able to keep blocks isolated.")]
        private FrameContent Tell(ReadOnlySpan<FrameRange> ranges)
        {
            try
            {
                return reporter.Believed(device, device.Report(ranges));
            }
            catch (Exception thrown)
            {
                // Its text takes managed memory, which the thread that made the pass may take.
                Atomic.CompareExchange(ref _thrown, null, thrown);
                return FrameContent.Unknown;
            }
        }

        /// <returns>Frames that were reported.</returns>
        private ulong Note(int count, ulong held, FrameContent content)
        {
            using (_lock.EnterScope())
            {
                Atomic.StoreRelease(ref reporter._deviceCalls, reporter._deviceCalls + 1);
                if (content != FrameContent.Unknown)
                {
                    reporter.NoteSuccess(count, held);
                    Frames += held;
                    return held;
                }

                Failures++;
                FailedBlocks = count;
            }

            End();
            return 0;
        }
    }
}
