;; Stored cells of 16 bits as HU, and HU as a smaller picture; see hu-kernel.ts, resample.ts. All addresses are in bytes.
;; Loops take eight pixels at a time and may run over the end by seven, into room that nothing else uses.
(module
  (memory (export "memory") 1)

  ;; cells[0 … count − 1], int16 in place: the bits below HighBit as they count (shifted `up` to the top and `down` again,
  ;; which extends the sign; 12 bits below HighBit 11: 0xF801 << 4 >> 4 = −2047), xor `flip`, plus `offset`, cut to int16.
  ;; Those that are in low … high before `offset` is added become `air`, none where low > high.
  (func (export "signed")
    (param $cells i32) (param $count i32) (param $up i32) (param $down i32) (param $flip i32) (param $offset i32)
    (param $low i32) (param $high i32) (param $air i32)
    (local $end i32) (local $v v128) (local $flips v128) (local $offsets v128) (local $lows v128) (local $highs v128)
    (local $airs v128)
    (local.set $end (i32.add (local.get $cells) (i32.shl (local.get $count) (i32.const 1))))
    (local.set $flips (i16x8.splat (local.get $flip)))
    (local.set $offsets (i16x8.splat (local.get $offset)))
    (local.set $lows (i16x8.splat (local.get $low)))
    (local.set $highs (i16x8.splat (local.get $high)))
    (local.set $airs (i16x8.splat (local.get $air)))
    (loop $next
      (local.set $v (v128.xor (local.get $flips)
        (i16x8.shr_s (i16x8.shl (v128.load (local.get $cells)) (local.get $up)) (local.get $down))))
      (v128.store (local.get $cells) (v128.bitselect
        (local.get $airs)
        (i16x8.add_sat_s (local.get $v) (local.get $offsets))
        (v128.and (i16x8.ge_s (local.get $v) (local.get $lows)) (i16x8.le_s (local.get $v) (local.get $highs)))))
      (br_if $next (i32.lt_u
        (local.tee $cells (i32.add (local.get $cells) (i32.const 16))) (local.get $end)))))

  ;; As `signed`, of cells without a sign.
  (func (export "unsigned")
    (param $cells i32) (param $count i32) (param $up i32) (param $down i32) (param $flip i32) (param $offset i32)
    (param $low i32) (param $high i32) (param $air i32)
    (local $end i32) (local $v v128) (local $flips v128) (local $offsets v128) (local $lows v128) (local $highs v128)
    (local $airs v128)
    (local.set $end (i32.add (local.get $cells) (i32.shl (local.get $count) (i32.const 1))))
    (local.set $flips (i16x8.splat (local.get $flip)))
    (local.set $offsets (i16x8.splat (local.get $offset)))
    (local.set $lows (i16x8.splat (local.get $low)))
    (local.set $highs (i16x8.splat (local.get $high)))
    (local.set $airs (i16x8.splat (local.get $air)))
    (loop $next
      (local.set $v (v128.xor (local.get $flips)
        (i16x8.shr_u (i16x8.shl (v128.load (local.get $cells)) (local.get $up)) (local.get $down))))
      (v128.store (local.get $cells) (v128.bitselect
        (local.get $airs)
        (i16x8.add_sat_s (local.get $v) (local.get $offsets))
        (v128.and (i16x8.ge_s (local.get $v) (local.get $lows)) (i16x8.le_s (local.get $v) (local.get $highs)))))
      (br_if $next (i32.lt_u
        (local.tee $cells (i32.add (local.get $cells) (i32.const 16))) (local.get $end)))))

  ;; One row of a smaller picture, before its columns are summed: sums[column] (float64) = start + Σ weights[piece] ·
  ;; (Σ of counts[piece] rows from where the piece before ended), values cut to low … high; for `columns` columns, a multiple of
  ;; eight, of rows that are `stride` bytes apart. `counts` are three int32, `weights` three float64. Rows of one weight are
  ;; summed in int16, at most `most` at once.
  (func (export "sumRows")
    (param $values i32) (param $stride i32) (param $columns i32) (param $counts i32) (param $weights i32) (param $start f64)
    (param $low i32) (param $high i32) (param $most i32) (param $sums i32)
    (local $end i32) (local $row i32) (local $piece i32) (local $left i32) (local $rows i32)
    (local $lows v128) (local $highs v128) (local $v v128) (local $w v128) (local $x v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $lows (i16x8.splat (local.get $low)))
    (local.set $highs (i16x8.splat (local.get $high)))
    (local.set $end (i32.add (local.get $values) (i32.shl (local.get $columns) (i32.const 1))))
    (loop $block
      (local.set $a (f64x2.splat (local.get $start)))
      (local.set $b (local.get $a))
      (local.set $c (local.get $a))
      (local.set $d (local.get $a))
      (local.set $row (local.get $values))
      (local.set $piece (i32.const 0))
      (loop $nextPiece
        (local.set $left (i32.load (i32.add (local.get $counts) (i32.shl (local.get $piece) (i32.const 2)))))
        (if (local.get $left) (then
          (local.set $w (v128.load64_splat (i32.add (local.get $weights) (i32.shl (local.get $piece) (i32.const 3)))))
          (loop $more
            (local.set $rows
              (select (local.get $left) (local.get $most) (i32.lt_u (local.get $left) (local.get $most))))
            (local.set $left (i32.sub (local.get $left) (local.get $rows)))
            (local.set $v (v128.const i64x2 0 0))
            (loop $nextRow
              (local.set $v (i16x8.add (local.get $v) (i16x8.min_s (local.get $highs)
                (i16x8.max_s (local.get $lows) (v128.load (local.get $row))))))
              (local.set $row (i32.add (local.get $row) (local.get $stride)))
              (br_if $nextRow (local.tee $rows (i32.sub (local.get $rows) (i32.const 1)))))
            (local.set $x (i32x4.extend_low_i16x8_s (local.get $v)))
            (local.set $a (f64x2.add (local.get $a)
              (f64x2.mul (local.get $w) (f64x2.convert_low_i32x4_s (local.get $x)))))
            (local.set $b (f64x2.add (local.get $b) (f64x2.mul (local.get $w) (f64x2.convert_low_i32x4_s
              (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $x) (local.get $x))))))
            (local.set $x (i32x4.extend_high_i16x8_s (local.get $v)))
            (local.set $c (f64x2.add (local.get $c)
              (f64x2.mul (local.get $w) (f64x2.convert_low_i32x4_s (local.get $x)))))
            (local.set $d (f64x2.add (local.get $d) (f64x2.mul (local.get $w) (f64x2.convert_low_i32x4_s
              (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $x) (local.get $x))))))
            (br_if $more (local.get $left)))))
        (br_if $nextPiece (i32.lt_u
          (local.tee $piece (i32.add (local.get $piece) (i32.const 1))) (i32.const 3))))
      (v128.store offset=0 (local.get $sums) (local.get $a))
      (v128.store offset=16 (local.get $sums) (local.get $b))
      (v128.store offset=32 (local.get $sums) (local.get $c))
      (v128.store offset=48 (local.get $sums) (local.get $d))
      (local.set $sums (i32.add (local.get $sums) (i32.const 64)))
      (br_if $block (i32.lt_u
        (local.tee $values (i32.add (local.get $values) (i32.const 16))) (local.get $end)))))

  ;; The columns of four such rows, whose sums are `between` bytes apart: result[row, at] (int16) = background · missing[at] +
  ;; Σ weights[at, piece] · (Σ of counts[at, piece] sums from where the piece before ended, the first from firsts[at] on),
  ;; halves rounded up. `firsts` and `counts` are int32, `missing` and `weights` float64, three pieces each; `size` results.
  (func (export "sumColumns")
    (param $sums i32) (param $between i32) (param $firsts i32) (param $counts i32) (param $weights i32) (param $missing i32)
    (param $background f64) (param $size i32) (param $result i32)
    (local $end i32) (local $last i32) (local $place i32) (local $left i32) (local $row i32) (local $bytes i32)
    (local $x v128) (local $y v128) (local $sameX v128) (local $sameY v128) (local $w v128)
    (local.set $bytes (i32.shl (local.get $size) (i32.const 1)))
    (local.set $end (i32.add (local.get $result) (local.get $bytes)))
    (loop $next
      (local.set $x (f64x2.splat (f64.mul (local.get $background) (f64.load (local.get $missing)))))
      (local.set $y (local.get $x))
      (local.set $place (i32.add (local.get $sums) (i32.shl (i32.load (local.get $firsts)) (i32.const 3))))
      (local.set $last (i32.add (local.get $counts) (i32.const 12)))
      (loop $nextPiece
        (if (local.tee $left (i32.load (local.get $counts))) (then
          (local.set $sameX (v128.const i64x2 0 0))
          (local.set $sameY (local.get $sameX))
          (loop $nextPlace
            (local.set $row (i32.add (local.get $place) (local.get $between)))
            (local.set $sameX (f64x2.add (local.get $sameX)
              (v128.load64_lane 1 (local.get $row) (v128.load64_zero (local.get $place)))))
            (local.set $row (i32.add (local.get $row) (local.get $between)))
            (local.set $sameY (f64x2.add (local.get $sameY)
              (v128.load64_lane 1 (i32.add (local.get $row) (local.get $between)) (v128.load64_zero (local.get $row)))))
            (local.set $place (i32.add (local.get $place) (i32.const 8)))
            (br_if $nextPlace (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
          (local.set $w (v128.load64_splat (local.get $weights)))
          (local.set $x (f64x2.add (local.get $x) (f64x2.mul (local.get $w) (local.get $sameX))))
          (local.set $y (f64x2.add (local.get $y) (f64x2.mul (local.get $w) (local.get $sameY))))))
        (local.set $weights (i32.add (local.get $weights) (i32.const 8)))
        (br_if $nextPiece (i32.lt_u
          (local.tee $counts (i32.add (local.get $counts) (i32.const 4))) (local.get $last))))
      (local.set $w (f64x2.splat (f64.const 0.5)))
      (local.set $x (i32x4.trunc_sat_f64x2_s_zero (f64x2.floor (f64x2.add (local.get $x) (local.get $w)))))
      (local.set $y (i32x4.trunc_sat_f64x2_s_zero (f64x2.floor (f64x2.add (local.get $y) (local.get $w)))))
      (local.set $row (local.get $result))
      (v128.store16_lane 0 (local.get $row) (local.get $x))
      (v128.store16_lane 2 (local.tee $row (i32.add (local.get $row) (local.get $bytes))) (local.get $x))
      (v128.store16_lane 0 (local.tee $row (i32.add (local.get $row) (local.get $bytes))) (local.get $y))
      (v128.store16_lane 2 (i32.add (local.get $row) (local.get $bytes)) (local.get $y))
      (local.set $firsts (i32.add (local.get $firsts) (i32.const 4)))
      (local.set $missing (i32.add (local.get $missing) (i32.const 8)))
      (br_if $next (i32.lt_u
        (local.tee $result (i32.add (local.get $result) (i32.const 2))) (local.get $end))))))
