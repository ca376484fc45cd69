;; Bilinear interpolation of up to four channels at once, each in a lane of a vector. Addresses are in bytes; rows and
;; columns begin at 0. Loops take eight pixels at a time, or four, and may run over the end of a row by seven, into what
;; is written after it; so all that is read and written wants 64 bytes of room after it.
(module
  (memory (export "memory") 1)

  ;; Weaves planes [size, size] int16, one for each lane, into an image [size + 2, size + 2] of pixels of four int16: on
  ;; each side of it is a pixel of the value outside.
  (func (export "weave")
    (param $plane0 i32) (param $plane1 i32) (param $plane2 i32) (param $plane3 i32)
    (param $image i32) (param $size i32) (param $outside i32)
    (local $border v128) (local $row i32) (local $column i32) (local $at i32) (local $beyond i32)
    (local $p v128) (local $q v128) (local $r v128) (local $s v128)
    (local $pr v128) (local $qs v128)
    (local.set $border (i16x8.splat (local.get $outside)))
    (local.set $at (call $fill (local.get $image) (local.get $border) (i32.add (local.get $size) (i32.const 3))))
    (loop $rows
      (local.set $image (local.get $at))
      (local.set $column (i32.const 0))
      (loop $columns
        (local.set $p (v128.load (local.get $plane0)))
        (local.set $q (v128.load (local.get $plane1)))
        (local.set $r (v128.load (local.get $plane2)))
        (local.set $s (v128.load (local.get $plane3)))
        ;; eight pixels of each plane become four planes of each pixel: p0 r0 p1 … and q0 s0 q1 …, then p0 q0 r0 s0 p1 …
        (local.set $pr (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $p) (local.get $r)))
        (local.set $qs (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $q) (local.get $s)))
        (v128.store offset=0 (local.get $at)
          (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $pr) (local.get $qs)))
        (v128.store offset=16 (local.get $at)
          (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $pr) (local.get $qs)))
        (local.set $pr (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $p) (local.get $r)))
        (local.set $qs (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $q) (local.get $s)))
        (v128.store offset=32 (local.get $at)
          (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $pr) (local.get $qs)))
        (v128.store offset=48 (local.get $at)
          (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $pr) (local.get $qs)))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (local.set $plane0 (i32.add (local.get $plane0) (i32.const 16)))
        (local.set $plane1 (i32.add (local.get $plane1) (i32.const 16)))
        (local.set $plane2 (i32.add (local.get $plane2) (i32.const 16)))
        (local.set $plane3 (i32.add (local.get $plane3) (i32.const 16)))
        (br_if $columns (i32.lt_u (local.tee $column (i32.add (local.get $column) (i32.const 8))) (local.get $size))))
      (local.set $beyond (i32.shl (i32.sub (local.get $column) (local.get $size)) (i32.const 1)))
      (local.set $plane0 (i32.sub (local.get $plane0) (local.get $beyond)))
      (local.set $plane1 (i32.sub (local.get $plane1) (local.get $beyond)))
      (local.set $plane2 (i32.sub (local.get $plane2) (local.get $beyond)))
      (local.set $plane3 (i32.sub (local.get $plane3) (local.get $beyond)))
      ;; the last pixel of this row's border and the first of the next one's
      (local.set $at (call $fill (i32.add (local.get $image) (i32.shl (local.get $size) (i32.const 3)))
        (local.get $border) (i32.const 2)))
      (br_if $rows (i32.lt_u (local.tee $row (i32.add (local.get $row) (i32.const 1))) (local.get $size))))
    (drop (call $fill (local.get $at) (local.get $border) (i32.add (local.get $size) (i32.const 1)))))

  ;; Writes so many pixels of one value; gives the address after them.
  (func $fill (param $at i32) (param $value v128) (param $pixels i32) (result i32)
    (loop $next
      (v128.store64_lane 0 (local.get $at) (local.get $value))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (local.tee $pixels (i32.sub (local.get $pixels) (i32.const 1)))))
    (local.get $at))

  ;; Fills planes [size, size] float32, `lanes` of them from `to` on, each `stride` bytes after the other, from an image
  ;; that `weave` made: source column = a·column + b·row + c, source row = d·column + e·row + f; (|a| + 1)·size and
  ;; (|d| + 1)·size may be 32767 at most. `work` is room for five rows of 32 bits a pixel and 64 bytes after each.
  (func (export "warp")
    (param $image i32) (param $size i32) (param $work i32) (param $to i32) (param $stride i32) (param $lanes i32)
    (param $a f64) (param $b f64) (param $c f64) (param $d f64) (param $e f64) (param $f f64)
    (local $row i32) (local $room i32) (local $line i32)
    (local.set $room (i32.add (i32.shl (local.get $size) (i32.const 2)) (i32.const 64)))
    (local.set $line (i32.add (local.get $work) (i32.shl (local.get $room) (i32.const 1))))
    (call $tabulate (local.get $work) (local.get $size) (local.get $a))
    (call $tabulate (i32.add (local.get $work) (local.get $room)) (local.get $size) (local.get $d))
    (loop $rows
      (call $locate (local.get $image) (local.get $size) (local.get $work) (local.get $room) (local.get $line)
        (call $fixed (f64.add (f64.mul (local.get $b) (f64.convert_i32_s (local.get $row))) (local.get $c)))
        (call $fixed (f64.add (f64.mul (local.get $e) (f64.convert_i32_s (local.get $row))) (local.get $f))))
      (call $interpolate (local.get $line) (local.get $size) (local.get $to) (local.get $stride)
        (local.get $lanes))
      (local.set $to (i32.add (local.get $to) (i32.shl (local.get $size) (i32.const 2))))
      (br_if $rows (i32.lt_u (local.tee $row (i32.add (local.get $row) (i32.const 1))) (local.get $size)))))

  ;; A number of pixels in steps of 2⁻¹⁵, from −2¹⁵ to 2¹⁵ at most, so that the sum of two fits in 32 bits.
  (func $fixed (param $pixels f64) (result i32)
    (i32.trunc_sat_f64_s (f64.nearest (f64.mul (f64.const 0x1p15)
      (f64.min (f64.max (local.get $pixels) (f64.const -32767)) (f64.const 32767))))))

  ;; The ways of [size] columns from the first one, in steps of 2⁻¹⁵ pixels.
  (func $tabulate (param $table i32) (param $size i32) (param $way f64)
    (local $column i32)
    (loop $columns
      (i32.store (local.get $table) (call $fixed (f64.mul (local.get $way) (f64.convert_i32_s (local.get $column)))))
      (local.set $table (i32.add (local.get $table) (i32.const 4)))
      (br_if $columns (i32.lt_u (local.tee $column (i32.add (local.get $column) (i32.const 1))) (local.get $size)))))

  ;; Where the pixels of a row come from, whose first is at (x, y), from the ways along both axes in the first two rows
  ;; of `work`, `room` bytes apart. To `line` go for each four pixels: four addresses of the upper left one of the four
  ;; around it in an image that `weave` made; four weights of the left two of those, the upper one first; four of the
  ;; right two. With the parts of a pixel u to the right and v down, the weights, int16, are
  ;;   upper left −(1 − u)·(1 − v)   upper right u·(1 − v)
  ;;   lower left −(1 − u)·v         lower right u·v
  ;; in steps of 2⁻¹⁵: an int16 can hold −1 and not 1. Rounded as they are, right ones less left ones are 1 exactly.
  (func $locate
    (param $image i32) (param $size i32) (param $work i32) (param $room i32) (param $line i32)
    (param $x i32) (param $y i32)
    (local $end i32) (local $pitch v128) (local $origin v128) (local $low v128) (local $high v128)
    (local $firstX v128) (local $firstY v128)
    (local $x0 v128) (local $x4 v128) (local $y0 v128) (local $y4 v128)
    (local $left v128) (local $upper v128) (local $lower v128) (local $upperRight v128) (local $lowerRight v128)
    (local.set $end (i32.add (local.get $work) (i32.shl (local.get $size) (i32.const 2))))
    (local.set $pitch (i32x4.splat (i32.shl (i32.add (local.get $size) (i32.const 2)) (i32.const 3))))
    ;; the pixel (0, 0) lies a row and a column into the image
    (local.set $origin (i32x4.splat (i32.add (local.get $image)
      (i32.shl (i32.add (local.get $size) (i32.const 3)) (i32.const 3)))))
    ;; what lies at −1 and at size is outside, so all that lies further may as well lie there
    (local.set $low (i32x4.splat (i32.const -32768)))
    (local.set $high (i32x4.splat (i32.shl (local.get $size) (i32.const 15))))
    (local.set $firstX (i32x4.splat (local.get $x)))
    (local.set $firstY (i32x4.splat (local.get $y)))
    (loop $columns
      (local.set $x0 (i32x4.min_s (i32x4.max_s
        (i32x4.add (v128.load (local.get $work)) (local.get $firstX)) (local.get $low)) (local.get $high)))
      (local.set $x4 (i32x4.min_s (i32x4.max_s
        (i32x4.add (v128.load offset=16 (local.get $work)) (local.get $firstX)) (local.get $low)) (local.get $high)))
      (local.set $y0 (i32x4.min_s (i32x4.max_s
        (i32x4.add (v128.load (i32.add (local.get $work) (local.get $room))) (local.get $firstY))
        (local.get $low)) (local.get $high)))
      (local.set $y4 (i32x4.min_s (i32x4.max_s
        (i32x4.add (v128.load offset=16 (i32.add (local.get $work) (local.get $room))) (local.get $firstY))
        (local.get $low)) (local.get $high)))
      (v128.store (local.get $line) (i32x4.add
        (i32x4.add (local.get $origin) (i32x4.shl (i32x4.shr_s (local.get $x0) (i32.const 15)) (i32.const 3)))
        (i32x4.mul (i32x4.shr_s (local.get $y0) (i32.const 15)) (local.get $pitch))))
      (v128.store offset=48 (local.get $line) (i32x4.add
        (i32x4.add (local.get $origin) (i32x4.shl (i32x4.shr_s (local.get $x4) (i32.const 15)) (i32.const 3)))
        (i32x4.mul (i32x4.shr_s (local.get $y4) (i32.const 15)) (local.get $pitch))))
      ;; −2¹⁵·(1 − v) = v − 2¹⁵, −2¹⁵·v and −2¹⁵·u of eight pixels
      (local.set $lower (v128.and (v128.const i16x8 32767 32767 32767 32767 32767 32767 32767 32767)
        (i8x16.shuffle 0 1 4 5 8 9 12 13 16 17 20 21 24 25 28 29 (local.get $y0) (local.get $y4))))
      (local.set $upper (v128.xor (local.get $lower)
        (v128.const i16x8 -32768 -32768 -32768 -32768 -32768 -32768 -32768 -32768)))
      (local.set $lower (i16x8.neg (local.get $lower)))
      (local.set $left (i16x8.neg (v128.and (v128.const i16x8 32767 32767 32767 32767 32767 32767 32767 32767)
        (i8x16.shuffle 0 1 4 5 8 9 12 13 16 17 20 21 24 25 28 29 (local.get $x0) (local.get $x4)))))
      ;; (−u·rows + 2¹⁴) >> 15, and what is left of the rows
      (local.set $upperRight (i16x8.q15mulr_sat_s (local.get $upper) (local.get $left)))
      (local.set $lowerRight (i16x8.q15mulr_sat_s (local.get $lower) (local.get $left)))
      (local.set $upper (i16x8.add (local.get $upper) (local.get $upperRight)))
      (local.set $lower (i16x8.add (local.get $lower) (local.get $lowerRight)))
      (v128.store offset=16 (local.get $line)
        (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $upper) (local.get $lower)))
      (v128.store offset=64 (local.get $line)
        (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $upper) (local.get $lower)))
      (v128.store offset=32 (local.get $line)
        (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $upperRight) (local.get $lowerRight)))
      (v128.store offset=80 (local.get $line)
        (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $upperRight) (local.get $lowerRight)))
      (local.set $line (i32.add (local.get $line) (i32.const 96)))
      (br_if $columns (i32.lt_u (local.tee $work (i32.add (local.get $work) (i32.const 32))) (local.get $end)))))

  ;; [size] pixels of a row, from a line as `locate` wrote it, to a row of the first `lanes` planes, which lie `stride`
  ;; bytes after each other.
  (func $interpolate
    (param $line i32) (param $size i32) (param $to i32) (param $stride i32) (param $lanes i32)
    (local $end i32) (local $pitch i32) (local $at i32)
    (local $upper v128) (local $lower v128) (local $p v128) (local $q v128) (local $r v128) (local $s v128)
    (local $pq v128) (local $rs v128) (local $scale v128)
    (local.set $end (i32.add (local.get $to) (i32.shl (local.get $size) (i32.const 2))))
    (local.set $pitch (i32.shl (i32.add (local.get $size) (i32.const 2)) (i32.const 3)))
    (local.set $scale (f32x4.splat (f32.const 0x1p-15)))
    (loop $columns
      ;; one pixel and the one below, side by side for each lane, times their weights
      (local.set $at (i32.load (local.get $line)))
      (local.set $upper (v128.load (local.get $at)))
      (local.set $lower (v128.load (i32.add (local.get $at) (local.get $pitch))))
      (local.set $p (i32x4.sub
        (i32x4.dot_i16x8_s (v128.load32_splat offset=32 (local.get $line))
          (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $upper) (local.get $lower)))
        (i32x4.dot_i16x8_s (v128.load32_splat offset=16 (local.get $line))
          (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $upper) (local.get $lower)))))
      (local.set $at (i32.load offset=4 (local.get $line)))
      (local.set $upper (v128.load (local.get $at)))
      (local.set $lower (v128.load (i32.add (local.get $at) (local.get $pitch))))
      (local.set $q (i32x4.sub
        (i32x4.dot_i16x8_s (v128.load32_splat offset=36 (local.get $line))
          (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $upper) (local.get $lower)))
        (i32x4.dot_i16x8_s (v128.load32_splat offset=20 (local.get $line))
          (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $upper) (local.get $lower)))))
      (local.set $at (i32.load offset=8 (local.get $line)))
      (local.set $upper (v128.load (local.get $at)))
      (local.set $lower (v128.load (i32.add (local.get $at) (local.get $pitch))))
      (local.set $r (i32x4.sub
        (i32x4.dot_i16x8_s (v128.load32_splat offset=40 (local.get $line))
          (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $upper) (local.get $lower)))
        (i32x4.dot_i16x8_s (v128.load32_splat offset=24 (local.get $line))
          (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $upper) (local.get $lower)))))
      (local.set $at (i32.load offset=12 (local.get $line)))
      (local.set $upper (v128.load (local.get $at)))
      (local.set $lower (v128.load (i32.add (local.get $at) (local.get $pitch))))
      (local.set $s (i32x4.sub
        (i32x4.dot_i16x8_s (v128.load32_splat offset=44 (local.get $line))
          (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $upper) (local.get $lower)))
        (i32x4.dot_i16x8_s (v128.load32_splat offset=28 (local.get $line))
          (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $upper) (local.get $lower)))))
      ;; four lanes of each pixel become four pixels of each lane: p0 q0 p1 q1 and r0 s0 r1 s1, then p0 q0 r0 s0, …
      (local.set $pq (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $p) (local.get $q)))
      (local.set $rs (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $r) (local.get $s)))
      (v128.store (local.get $to) (f32x4.mul (local.get $scale) (f32x4.convert_i32x4_s
        (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $pq) (local.get $rs)))))
      (if (i32.gt_u (local.get $lanes) (i32.const 1)) (then
        (local.set $at (i32.add (local.get $to) (local.get $stride)))
        (v128.store (local.get $at) (f32x4.mul (local.get $scale) (f32x4.convert_i32x4_s
          (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $pq) (local.get $rs)))))
        (if (i32.gt_u (local.get $lanes) (i32.const 2)) (then
          (local.set $at (i32.add (local.get $at) (local.get $stride)))
          (local.set $pq (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $p) (local.get $q)))
          (local.set $rs (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $r) (local.get $s)))
          (v128.store (local.get $at) (f32x4.mul (local.get $scale) (f32x4.convert_i32x4_s
            (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $pq) (local.get $rs)))))
          (if (i32.gt_u (local.get $lanes) (i32.const 3)) (then
            (v128.store (i32.add (local.get $at) (local.get $stride))
              (f32x4.mul (local.get $scale) (f32x4.convert_i32x4_s
              (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $pq) (local.get $rs)))))))))))
      (local.set $line (i32.add (local.get $line) (i32.const 48)))
      (br_if $columns (i32.lt_u (local.tee $to (i32.add (local.get $to) (i32.const 16))) (local.get $end)))))

  ;; values[0 … count − 1] += offset + size · noise[0 … count − 1], the sum's parts in this order
  (func (export "shake") (param $values i32) (param $count i32) (param $offset f32) (param $noise i32) (param $size f32)
    (local $end i32)
    (local.set $end (i32.add (local.get $values) (i32.shl (local.get $count) (i32.const 2))))
    (loop $next
      (v128.store (local.get $values)
        (f32x4.add
          (f32x4.add (v128.load (local.get $values)) (f32x4.splat (local.get $offset)))
          (f32x4.mul (f32x4.splat (local.get $size)) (v128.load (local.get $noise)))))
      (local.set $noise (i32.add (local.get $noise) (i32.const 16)))
      (br_if $next (i32.lt_u (local.tee $values (i32.add (local.get $values) (i32.const 16))) (local.get $end))))))
