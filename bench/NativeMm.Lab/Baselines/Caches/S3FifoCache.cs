namespace NativeMm.Lab.Baselines.Caches;

/// <summary>
/// S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi, SOSP 2023) with the paper's figures: a tenth in the small queue, as many ghosts as the main queue has entries, an entry of the
/// small queue moves to the main one after two uses. Keys go from 0 to one below some number.
/// </summary>
internal sealed class S3FifoCache : IHitSimulation
{
    private const byte UsesMax = 3;
    private const byte UsesForMain = 2;

    private readonly Queue<int> _small = new();
    private readonly Queue<int> _main = new();
    private readonly Queue<(int Key, int Turn)> _ghosts = new();
    private readonly byte[] _uses;
    private readonly bool[] _isIn;
    private readonly int[] _ghostTurn;
    private readonly int _smallMax;
    private readonly int _mainMax;
    private readonly int _entries;
    private int _turn;
    private int _ghostCount;
    private bool _hasEvicted;

    /// <summary>An empty cache.</summary>
    /// <param name="keys">How many keys there are.</param>
    /// <param name="entries">How many of them stay in.</param>
    public S3FifoCache(int keys, int entries)
    {
        _uses = new byte[keys];
        _isIn = new bool[keys];
        _ghostTurn = new int[keys];
        _entries = entries;
        _smallMax = Math.Max(1, entries / 10);
        _mainMax = entries - _smallMax;
    }

    /// <inheritdoc/>
    public bool Use(int key)
    {
        if (_isIn[key])
        {
            _uses[key] = Math.Min((byte)(_uses[key] + 1), UsesMax);
            return true;
        }

        while (_small.Count + _main.Count >= _entries)
        {
            Evict();
        }

        bool isKnown = _ghostTurn[key] != 0;
        if (isKnown)
        {
            _ghostTurn[key] = 0;
            _ghostCount--;
        }

        _isIn[key] = true;
        _uses[key] = 0;
        (isKnown || (!_hasEvicted && _small.Count >= _smallMax) ? _main : _small).Enqueue(key);
        return false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private void Evict()
    {
        _hasEvicted = true;
        if (_main.Count > _mainMax || _small.Count == 0)
        {
            EvictFromMain();
            return;
        }

        while (_small.TryDequeue(out int key))
        {
            if (_uses[key] < UsesForMain)
            {
                _isIn[key] = false;
                Remember(key);
                return;
            }

            _uses[key] = 0;
            _main.Enqueue(key);
            if (_main.Count > _mainMax)
            {
                EvictFromMain();
                return;
            }
        }
    }

    private void EvictFromMain()
    {
        while (true)
        {
            int key = _main.Dequeue();
            if (_uses[key] == 0)
            {
                _isIn[key] = false;
                return;
            }

            _uses[key]--;
            _main.Enqueue(key);
        }
    }

    private void Remember(int key)
    {
        _ghostTurn[key] = ++_turn;
        _ghosts.Enqueue((key, _turn));
        _ghostCount++;
        while (_ghostCount > _mainMax)
        {
            (int oldest, int turn) = _ghosts.Dequeue();
            if (_ghostTurn[oldest] == turn)
            {
                _ghostTurn[oldest] = 0;
                _ghostCount--;
            }
        }
    }
}
