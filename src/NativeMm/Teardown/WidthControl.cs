using NativeMm.Diagnostics;

namespace NativeMm.Teardown;

/// <summary>
/// Finds how many threads a job is worth: it begins with one, and each further one must bring a part of the speed before it. What was found out holds for a number of
/// windows and is then tried again, because others need the processors, or let go of them. A mutable struct without threads; its owner guards it.
/// </summary>
/// <param name="widthMax">Most threads.</param>
/// <param name="minimumGain">The part.</param>
/// <param name="windowTicks">How long the speed is measured, at least.</param>
internal struct WidthControl(int widthMax, double minimumGain, long windowTicks)
{
    // For a speed that means something each thread must have made some steps.
    private const int StepsPerThread = 4;
    private const int HoldFirst = 16;
    private const int HoldMax = 256;

    private bool _isMeasuring;
    private bool _isTrial;
    private long _start;
    private long _startFrames;
    private long _startSteps;
    private double _speedBefore;
    private int _hold;
    private int _holdNext;

    /// <summary>How many threads are wanted.</summary>
    public int Width { get; private set; } = 1;

    /// <summary>Looks at what is done.</summary>
    /// <param name="now">The time, in the unit of the window.</param>
    /// <param name="frames">Frames since the begin.</param>
    /// <param name="steps">Steps since the begin.</param>
    /// <param name="inside">Threads at work.</param>
    /// <returns>Whether the width changed.</returns>
    public bool Observe(long now, long frames, long steps, int inside)
    {
        if (!_isMeasuring || inside < Width)
        {
            // A speed at that width is measured from when there are so many.
            (_start, _startFrames, _startSteps, _isMeasuring) = (now, frames, steps, inside >= Width);
            return false;
        }

        if (now - _start < windowTicks || steps - _startSteps < StepsPerThread * Width)
        {
            return false;
        }

        double speed = (frames - _startFrames) / (double)(now - _start);
        _isMeasuring = false;
        return Decide(speed);
    }

    private bool Decide(double speed)
    {
        if (_isTrial && speed < _speedBefore * (1 + minimumGain))
        {
            Invariant.Assert(Width > 1 && Width <= widthMax, $"A width of {Width} of at most {widthMax} is taken for a trial.");
            Width--;
            _isTrial = false;
            _hold = _holdNext = Math.Clamp(2 * _holdNext, HoldFirst, HoldMax);
            return true;
        }

        _isTrial = false;
        if (_hold > 0)
        {
            _hold--;
            return false;
        }

        if (Width == widthMax)
        {
            return false;
        }

        _speedBefore = speed;
        _isTrial = true;
        Width++;
        return true;
    }
}
